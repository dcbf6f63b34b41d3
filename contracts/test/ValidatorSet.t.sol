// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ProviderRegistry} from "../src/ProviderRegistry.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {TestUSD} from "../src/TestUSD.sol";
import {ValidatorSet} from "../src/ValidatorSet.sol";
import {Test} from "./support/Test.sol";
import {vm} from "./support/Vm.sol";

contract ValidatorSetTest is Test {
    uint256 internal constant MIN_STAKE = 10e6;
    bytes32 internal constant CLASS = keccak256("class");
    bytes32 internal constant OTHER = keccak256("other class");
    bytes32 internal constant KEY = keccak256("sealing key");

    TestUSD internal token;
    ProviderRegistry internal registry;
    StakeVault internal vault;
    ValidatorSet internal set;
    address internal alice = address(0xA);

    function setUp() public {
        vm.roll(1_000);
        token = new TestUSD();
        registry = new ProviderRegistry();
        vault = new StakeVault(address(token), MIN_STAKE, 1, 2, address(0), address(0));
        set = new ValidatorSet(registry, vault, MIN_STAKE);
    }

    function _register(address who, uint8 role) internal {
        vm.prank(who);
        registry.register(role, address(uint160(who) + 0x1000000), abi.encodePacked(who), "");
    }

    function _bond(address who) internal {
        token.mint(who, MIN_STAKE);
        vm.startPrank(who);
        token.approve(address(vault), MIN_STAKE);
        vault.bond(who, 1, MIN_STAKE);
        vm.stopPrank();
    }

    function _classes(bytes32 classId) internal pure returns (bytes32[] memory classIds) {
        classIds = new bytes32[](1);
        classIds[0] = classId;
    }

    function _join(address who) internal {
        _register(who, 2);
        _bond(who);
        vm.prank(who);
        set.join(KEY, _classes(CLASS));
    }

    function test_constructor_wantsBothContracts() public {
        vm.expectRevert(ValidatorSet.ZeroAddress.selector);
        new ValidatorSet(ProviderRegistry(address(0)), vault, 0);
        vm.expectRevert(ValidatorSet.ZeroAddress.selector);
        new ValidatorSet(registry, StakeVault(address(0)), 0);
    }

    function test_join_wantsARegisteredAndBondedValidator() public {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.NotValidator.selector, alice));
        set.join(KEY, _classes(CLASS));
        vm.stopPrank();
        _register(alice, 1);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.NotValidator.selector, alice));
        set.join(KEY, _classes(CLASS));
        registry.deregister();
        vm.stopPrank();
        _register(alice, 2);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.StakeTooLow.selector, alice, 0, MIN_STAKE));
        set.join(KEY, _classes(CLASS));
        _bond(alice);
        vm.startPrank(alice);
        vm.expectRevert(ValidatorSet.ZeroSealingKey.selector);
        set.join(0, _classes(CLASS));
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.ClassCount.selector, 0, 64));
        set.join(KEY, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.ClassCount.selector, 65, 64));
        set.join(KEY, new bytes32[](65));
        assertEq(set.count(), 0, "nothing was added");
        vm.expectEmit();
        emit ValidatorSet.MemberJoined(alice, KEY, _classes(CLASS));
        set.join(KEY, _classes(CLASS));
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.AlreadyMember.selector, alice));
        set.join(KEY, _classes(CLASS));
        assertEq(set.list()[0].validator, alice, "listed");
        assertEq(set.memberOf(alice).joinedBlock, 1_000, "joined");
        assertTrue(set.isActive(alice), "active");
    }

    function test_isEligible_fromTheBlockAfterJoining() public {
        _join(alice);
        assertTrue(!set.isEligible(alice, CLASS, 1_000), "not for its own block");
        assertTrue(set.isEligible(alice, CLASS, 1_001), "for the next");
        assertTrue(!set.isEligible(alice, OTHER, 1_001), "not for another class");
        assertTrue(!set.isEligible(address(0xB), CLASS, 1_001), "not a stranger");
        assertEq(set.eligible(CLASS, 1_001).length, 1, "listed as eligible");
        assertEq(set.eligible(CLASS, 1_000).length, 0, "not yet");
    }

    function test_setClasses_countsAsJoiningAnew() public {
        _join(alice);
        vm.roll(1_010);
        vm.prank(alice);
        set.setClasses(_classes(OTHER));
        assertTrue(!set.isEligible(alice, OTHER, 1_010), "no earlier beacon draws it");
        assertTrue(set.isEligible(alice, OTHER, 1_011), "later ones do");
        assertTrue(!set.isEligible(alice, CLASS, 1_011), "the former class is gone");
        vm.startPrank(alice);
        set.setClasses(_classes(CLASS));
        assertTrue(!set.isEligible(alice, OTHER, 1_011), "within a block the last list counts");
        vm.expectRevert(ValidatorSet.ZeroSealingKey.selector);
        set.setSealingKey(0);
        set.setSealingKey(CLASS);
        assertEq(set.memberOf(alice).sealingKey, CLASS, "key");
    }

    function test_leave_takesLongerThanABeaconCanBeDrawn() public {
        _join(alice);
        assertTrue(set.LEAVE_DELAY() > 256, "delay");
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.NotLeaving.selector, alice));
        set.finalizeLeave(alice);
        vm.roll(1_010);
        vm.startPrank(alice);
        set.requestLeave();
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.AlreadyLeaving.selector, alice));
        set.requestLeave();
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.AlreadyLeaving.selector, alice));
        set.setClasses(_classes(OTHER));
        vm.stopPrank();
        assertTrue(set.isEligible(alice, CLASS, 1_010), "an earlier beacon still draws it");
        assertTrue(!set.isEligible(alice, CLASS, 1_011), "a later one does not");
        vm.roll(1_309);
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.LeaveTooEarly.selector, alice, 1_310));
        set.finalizeLeave(alice);
        vm.roll(1_310);
        set.finalizeLeave(alice);
        assertEq(set.count(), 0, "gone");
        assertEq(set.memberOf(alice).joinedBlock, 0, "its entry too");
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.NotMember.selector, alice));
        set.finalizeLeave(alice);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.NotMember.selector, alice));
        set.requestLeave();
        set.join(KEY, _classes(OTHER));
        assertTrue(!set.isEligible(alice, CLASS, 1_311), "nothing is left of its former classes");
    }

    function test_evict_onlyWhomItsStakeOrRoleNoLongerCovers() public {
        _join(alice);
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.StillQualified.selector, alice));
        set.evict(alice);
        vm.prank(alice);
        vault.requestUnbond(1, 1);
        assertTrue(!set.isActive(alice), "stake on its way out does not count");
        assertTrue(!set.isEligible(alice, CLASS, 1_001), "nor is it drawn");
        vm.expectEmit();
        emit ValidatorSet.MemberLeaving(alice, address(this));
        set.evict(alice);
        vm.roll(1_300);
        set.finalizeLeave(alice);
        assertEq(set.count(), 0, "gone");
    }

    /// @dev Whatever members do, the list holds each of them once, and nobody else.
    function testFuzz_listHoldsEachMemberOnce(uint256 seed, uint8 steps) public {
        for (uint256 i; i < 6; ++i) {
            _register(address(uint160(0x200 + i)), 2);
            _bond(address(uint160(0x200 + i)));
        }
        uint256 joined;
        for (uint256 i; i < steps % 48; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            address who = address(uint160(0x200 + (seed >> 8) % 6));
            uint256 action = seed % 6;
            if (action < 3) vm.prank(who);
            if (action == 0) {
                try set.join(KEY, _classes(seed % 2 == 0 ? CLASS : OTHER)) {
                    ++joined;
                } catch {}
            } else if (action == 1) {
                try set.setClasses(_classes(OTHER)) {} catch {}
            } else if (action == 2) {
                try set.requestLeave() {} catch {}
            } else if (action == 3) {
                try set.finalizeLeave(who) {
                    --joined;
                } catch {}
            } else if (action == 4) {
                try set.evict(who) {} catch {}
            }
            vm.roll(block.number + (seed >> 100) % 200);
        }
        ValidatorSet.Member[] memory all = set.list();
        assertEq(all.length, joined, "length");
        for (uint256 i; i < all.length; ++i) {
            assertTrue(set.memberOf(all[i].validator).joinedBlock != 0, "a member");
            for (uint256 j; j < i; ++j) {
                assertTrue(all[i].validator != all[j].validator, "once");
            }
        }
        for (uint256 i; i < 6; ++i) {
            address who = address(uint160(0x200 + i));
            ValidatorSet.Member memory entry = set.memberOf(who);
            bool eligible = set.isEligible(who, CLASS, block.number) || set.isEligible(who, OTHER, block.number);
            bool expected = entry.joinedBlock != 0 && entry.joinedBlock < block.number
                && (entry.leavingBlock == 0 || entry.leavingBlock >= block.number);
            assertTrue(eligible == expected, "eligible");
        }
    }

    function test_list_isBoundedAndKeepsEverybodyElse() public {
        for (uint256 i; i < 128; ++i) {
            _join(address(uint160(0x100 + i)));
        }
        _register(alice, 2);
        _bond(alice);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ValidatorSet.SetFull.selector, 128));
        set.join(KEY, _classes(CLASS));
        vm.prank(address(0x100));
        set.requestLeave();
        vm.roll(1_300);
        set.finalizeLeave(address(0x100));
        ValidatorSet.Member[] memory all = set.list();
        assertEq(all.length, 127, "one fewer");
        assertEq(all[0].validator, address(uint160(0x100 + 127)), "the last took its place");
        vm.prank(address(uint160(0x100 + 127)));
        set.requestLeave();
        vm.roll(1_600);
        set.finalizeLeave(address(uint160(0x100 + 127)));
        assertEq(set.list()[0].validator, address(uint160(0x100 + 126)), "and can leave from there");
        assertEq(set.eligible(CLASS, 1_001).length, 126, "all are eligible");
    }
}
