// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ProviderRegistry} from "../src/ProviderRegistry.sol";
import {Test} from "./support/Test.sol";
import {vm} from "./support/Vm.sol";

contract ProviderRegistryTest is Test {
    ProviderRegistry internal registry = new ProviderRegistry();
    address internal alice = address(0xA);
    address internal bob = address(0xB);
    address internal key1 = address(0x101);
    address internal key2 = address(0x102);
    bytes internal peer1 = hex"00240801";
    bytes internal peer2 = hex"00240802";

    function _register(address who, address key, bytes memory peer) internal {
        vm.prank(who);
        registry.register(1, key, peer, "/ip4/127.0.0.1");
    }

    function test_register_listsTheOperatorUnderAllItsNames() public {
        vm.warp(77);
        vm.expectEmit();
        emit ProviderRegistry.Registered(alice, 1, key1, peer1, "/ip4/127.0.0.1");
        _register(alice, key1, peer1);

        ProviderRegistry.Operator memory entry = registry.byOperator(alice);
        assertEq(entry.operator, alice, "operator");
        assertEq(entry.receiptKey, key1, "key");
        assertEq(entry.role, 1, "role");
        assertEq(entry.registeredAt, 77, "registeredAt");
        assertEq(keccak256(entry.peerId), keccak256(peer1), "peer");
        assertEq(keccak256(bytes(entry.endpointHint)), keccak256("/ip4/127.0.0.1"), "hint");
        assertEq(registry.byReceiptKey(key1).operator, alice, "by key");
        assertEq(registry.ownerOfReceiptKey(key1), alice, "key owner");
        assertEq(registry.ownerOfPeerId(peer1), alice, "peer owner");
        assertEq(registry.roleOf(alice), 1, "roleOf");
        assertEq(registry.count(), 1, "count");
        assertEq(registry.list(0, 10).length, 1, "list");
    }

    function test_register_refusesBadInput() public {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.UnknownRole.selector, 0));
        registry.register(0, key1, peer1, "");
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.UnknownRole.selector, 3));
        registry.register(3, key1, peer1, "");
        vm.expectRevert(ProviderRegistry.ZeroReceiptKey.selector);
        registry.register(1, address(0), peer1, "");
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.PeerIdLength.selector, 0, 64));
        registry.register(1, key1, "", "");
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.PeerIdLength.selector, 65, 64));
        registry.register(1, key1, new bytes(65), "");
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.HintTooLong.selector, 513, 512));
        registry.register(1, key1, peer1, string(new bytes(513)));
        assertEq(registry.count(), 0, "nothing was registered");
    }

    function test_names_belongToOneOperator() public {
        _register(alice, key1, peer1);
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.AlreadyRegistered.selector, alice));
        _register(alice, key2, peer2);
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.ReceiptKeyTaken.selector, key1, alice));
        _register(bob, key1, peer2);
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.PeerIdTaken.selector, peer1, alice));
        _register(bob, key2, peer1);
    }

    function test_update_movesThePeerAndKeepsOldReceiptsAttributable() public {
        _register(alice, key1, peer1);
        vm.expectEmit();
        emit ProviderRegistry.Updated(alice, 1, key2, peer2, "new");
        vm.prank(alice);
        registry.update(key2, peer2, "new");
        assertEq(registry.byReceiptKey(key1).operator, alice, "by the old key");
        assertEq(registry.byReceiptKey(key1).receiptKey, key2, "which is not the current one");
        assertEq(registry.ownerOfPeerId(peer1), address(0), "the old peer id is free");
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.ReceiptKeyTaken.selector, key1, alice));
        _register(bob, key1, peer1);
        vm.prank(alice);
        registry.update(key2, peer2, "only the hint");
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.NotRegistered.selector, bob));
        registry.update(key2, peer2, "");
    }

    function test_deregister_freesThePeerButNeverTheKey() public {
        _register(alice, key1, peer1);
        vm.expectEmit();
        emit ProviderRegistry.Deregistered(alice, 1, key1);
        vm.prank(alice);
        registry.deregister();
        assertEq(registry.roleOf(alice), 0, "role");
        assertEq(registry.byReceiptKey(key1).operator, address(0), "no entry");
        assertEq(registry.ownerOfReceiptKey(key1), alice, "still the owner");
        assertEq(registry.count(), 0, "count");
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.ReceiptKeyTaken.selector, key1, alice));
        _register(bob, key1, peer1);
        _register(bob, key2, peer1);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.NotRegistered.selector, alice));
        registry.deregister();
        _register(alice, key1, peer2);
        assertEq(registry.byReceiptKey(key1).operator, alice, "back again");
    }

    function test_setClasses_replacesTheList() public {
        bytes32[] memory classes = new bytes32[](2);
        classes[0] = keccak256("a");
        classes[1] = keccak256("b");
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.NotRegistered.selector, alice));
        registry.setClasses(classes);
        _register(alice, key1, peer1);
        vm.startPrank(alice);
        vm.expectEmit();
        emit ProviderRegistry.ClassesSet(alice, classes);
        registry.setClasses(classes);
        assertEq(registry.byOperator(alice).classIds.length, 2, "two");
        assertEq(registry.byOperator(alice).classIds[1], keccak256("b"), "second");
        registry.setClasses(new bytes32[](0));
        assertEq(registry.byOperator(alice).classIds.length, 0, "none");
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.TooManyClasses.selector, 65, 64));
        registry.setClasses(new bytes32[](65));
    }

    function test_deregister_forgetsTheClasses() public {
        _register(alice, key1, peer1);
        vm.startPrank(alice);
        registry.setClasses(new bytes32[](3));
        registry.deregister();
        vm.stopPrank();
        _register(alice, key1, peer1);
        assertEq(registry.byOperator(alice).classIds.length, 0, "none");
    }

    function testFuzz_list_pagesThroughAllOperators(uint8 operators, uint8 limit) public {
        uint256 total = operators % 20;
        uint256 page = 1 + limit % 7;
        for (uint256 i; i < total; ++i) {
            _register(address(uint160(0x1000 + i)), address(uint160(0x2000 + i)), abi.encode(i));
        }
        uint256 seen;
        uint256 checksum;
        while (true) {
            ProviderRegistry.Operator[] memory entries = registry.list(seen, page);
            if (entries.length == 0) break;
            assertLe(entries.length, page, "page");
            for (uint256 i; i < entries.length; ++i) {
                checksum ^= uint256(keccak256(abi.encode(entries[i].operator)));
            }
            seen += entries.length;
        }
        assertEq(seen, total, "seen");
        for (uint256 i; i < total; ++i) {
            checksum ^= uint256(keccak256(abi.encode(address(uint160(0x1000 + i)))));
        }
        assertEq(checksum, 0, "each once");
        assertEq(registry.list(type(uint256).max, type(uint256).max).length, 0, "beyond the end");
        assertEq(registry.list(0, type(uint256).max).length, total, "no limit");
    }
}
