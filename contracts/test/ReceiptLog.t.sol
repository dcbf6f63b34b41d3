// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ProviderRegistry} from "../src/ProviderRegistry.sol";
import {Finding, Receipt, ReceiptLog} from "../src/ReceiptLog.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {TestUSD} from "../src/TestUSD.sol";
import {ValidatorSet} from "../src/ValidatorSet.sol";
import {Test} from "./support/Test.sol";
import {vm} from "./support/Vm.sol";

contract ReceiptLogTest is Test {
    uint256 internal constant MIN_STAKE = 10e6;
    uint256 internal constant KEY = 0xA11CE;
    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    TestUSD internal token;
    ProviderRegistry internal registry;
    StakeVault internal vault;
    ValidatorSet internal validators;
    ReceiptLog internal log;
    address internal provider = address(0xA);
    address internal validator = address(0xB);
    bytes32 internal left = keccak256("left");
    bytes32 internal right = keccak256("right");
    bytes32 internal root;
    bytes32[] internal proof;

    function setUp() public {
        vm.roll(1_000);
        token = new TestUSD();
        registry = new ProviderRegistry();
        vault = new StakeVault(address(token), MIN_STAKE, 1, 2, address(0), address(0));
        validators = new ValidatorSet(registry, vault, MIN_STAKE);
        log = new ReceiptLog(registry, validators);
        vm.prank(provider);
        registry.register(1, vm.addr(KEY), hex"01", "");
        vm.prank(validator);
        registry.register(2, address(0x102), hex"02", "");
        root = left < right ? keccak256(abi.encode(left, right)) : keccak256(abi.encode(right, left));
        proof.push(right);
    }

    function _bond() internal {
        token.mint(validator, MIN_STAKE);
        vm.startPrank(validator);
        token.approve(address(vault), MIN_STAKE);
        vault.bond(validator, 1, MIN_STAKE);
        vm.stopPrank();
    }

    function _join() internal {
        _bond();
        bytes32[] memory classIds = new bytes32[](1);
        classIds[0] = keccak256("class");
        vm.prank(validator);
        validators.join(keccak256("sealing key"), classIds);
    }

    function _finding(uint8 verdict) internal pure returns (Finding memory) {
        return Finding(keccak256("class"), verdict, 64, 2, 12, keccak256("evidence"));
    }

    function _post() internal {
        vm.prank(provider);
        log.postRoot(1, root, 2, 50);
    }

    function _attest(uint8 verdict) internal {
        vm.prank(validator);
        log.attest(provider, 1, left, proof, _finding(verdict));
    }

    function test_constructor_wantsBothContracts() public {
        vm.expectRevert(ReceiptLog.ZeroAddress.selector);
        new ReceiptLog(ProviderRegistry(address(0)), validators);
        vm.expectRevert(ReceiptLog.ZeroAddress.selector);
        new ReceiptLog(registry, ValidatorSet(address(0)));
    }

    function test_postRoot_numbersEpochsByOne() public {
        vm.expectEmit();
        emit ReceiptLog.RootPosted(provider, 1, root, 2, 50, 1_001);
        _post();
        assertEq(log.lastEpoch(provider), 1, "last");
        ReceiptLog.Epoch memory epoch = log.epoch(provider, 1);
        assertEq(epoch.root, root, "root");
        assertEq(epoch.count, 2, "count");
        assertEq(epoch.totalCost, 50, "cost");
        assertEq(epoch.targetBlock, 1_001, "target");
        assertEq(epoch.postedBlock, 1_000, "posted in");
        assertEq(epoch.postedAt, block.timestamp, "posted at");

        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.WrongEpoch.selector, 1, 2));
        _post();
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.WrongEpoch.selector, 3, 2));
        log.postRoot(3, root, 1, 0);
        vm.expectRevert(ReceiptLog.EmptyEpoch.selector);
        log.postRoot(2, 0, 1, 0);
        vm.expectRevert(ReceiptLog.EmptyEpoch.selector);
        log.postRoot(2, root, 0, 0);
        log.postRoot(2, root, 1, 0);
        vm.stopPrank();
        vm.prank(validator);
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.NotProvider.selector, validator));
        log.postRoot(1, root, 1, 0);
    }

    function test_drawBeacon_isFixedByTheBlockAfterThePost() public {
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.UnknownEpoch.selector, provider, 1));
        log.drawBeacon(provider, 1);
        _post();
        for (uint256 number = 1_000; number < 1_002; ++number) {
            vm.roll(number);
            vm.expectRevert(abi.encodeWithSelector(ReceiptLog.BeaconTooEarly.selector, 1_001, number));
            log.drawBeacon(provider, 1);
        }
        bytes32 target = keccak256("hash of block 1001");
        bytes32 expected = keccak256(abi.encode(target, provider, uint64(1), root));
        // The time of the draw changes nothing, from the first block that allows it to the last.
        uint256[3] memory times = [uint256(1_002), 1_100, 1_257];
        for (uint256 i; i < 3; ++i) {
            uint256 start = vm.snapshotState();
            vm.roll(times[i]);
            vm.setBlockhash(1_001, target);
            vm.expectEmit();
            emit ReceiptLog.BeaconDrawn(provider, 1, expected, 1_001);
            assertEq(log.drawBeacon(provider, 1), expected, "drawn");
            assertEq(log.beacon(provider, 1), expected, "stored");
            vm.expectRevert(abi.encodeWithSelector(ReceiptLog.BeaconAlreadyDrawn.selector, provider, 1));
            log.drawBeacon(provider, 1);
            vm.revertToState(start);
        }
    }

    function test_drawBeacon_rearmsAnEpochWhoseWindowWasMissed() public {
        _post();
        for (uint32 round = 1; round <= 3; ++round) {
            uint256 now_ = 1_000 + 300 * round;
            vm.roll(now_);
            vm.expectEmit();
            emit ReceiptLog.BeaconRearmed(provider, 1, uint64(now_ + 1), round);
            assertEq(log.drawBeacon(provider, 1), 0, "nothing drawn");
        }
        assertEq(log.epoch(provider, 1).rearms, 3, "rearms");
        vm.roll(1_901);
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.BeaconTooEarly.selector, 1_901, 1_901));
        log.drawBeacon(provider, 1);
        vm.roll(1_902);
        vm.setBlockhash(1_901, keccak256("h"));
        assertEq(log.drawBeacon(provider, 1), keccak256(abi.encode(keccak256("h"), provider, uint64(1), root)), "drawn");
    }

    function test_attest_recordsOneVerdictPerValidatorAndReceipt() public {
        _join();
        _post();
        vm.expectEmit();
        emit ReceiptLog.Attested(validator, provider, left, 1, keccak256("class"), 3, 64, 2, 12, keccak256("evidence"));
        _attest(3);
        assertEq(log.verdictOf(validator, provider, left), 3, "verdict");
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.AlreadyAttested.selector, validator, left));
        _attest(1);
    }

    function test_attest_inAStrangersTreeUsesUpNothing() public {
        _join();
        _post();
        address copycat = address(0xC);
        vm.prank(copycat);
        registry.register(1, address(0x103), hex"03", "");
        vm.prank(copycat);
        log.postRoot(1, root, 2, 50);
        vm.prank(validator);
        log.attest(copycat, 1, left, proof, _finding(1));
        _attest(3);
        assertEq(log.verdictOf(validator, provider, left), 3, "verdict on the provider");
        assertEq(log.verdictOf(validator, copycat, left), 1, "verdict on the copycat");
    }

    function test_attest_wantsAnActiveMemberAndAnOpening() public {
        _post();
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.NotActiveValidator.selector, validator));
        _attest(1);
        _join();
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.NotActiveValidator.selector, provider));
        log.attest(provider, 1, left, proof, _finding(1));
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.UnknownVerdict.selector, 0));
        _attest(0);
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.UnknownVerdict.selector, 4));
        _attest(4);
        Finding memory finding = _finding(1);
        finding.mismatches = 65;
        vm.startPrank(validator);
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.MismatchesAboveTokens.selector, 65, 64));
        log.attest(provider, 1, left, proof, finding);
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.UnknownEpoch.selector, provider, 2));
        log.attest(provider, 2, left, proof, _finding(1));
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.BadProof.selector, provider, 1, right));
        log.attest(provider, 1, right, proof, _finding(1));
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.BadProof.selector, provider, 1, left));
        log.attest(provider, 1, left, new bytes32[](0), _finding(1));

        // Stake on its way out no longer counts.
        vault.requestUnbond(1, MIN_STAKE);
        vm.expectRevert(abi.encodeWithSelector(ReceiptLog.NotActiveValidator.selector, validator));
        log.attest(provider, 1, left, proof, _finding(1));
    }

    function testFuzz_receiptDigest_isTheTypedHash(Receipt memory receipt) public view {
        bytes32 structHash = keccak256(abi.encode(log.RECEIPT_TYPEHASH(), receipt));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", log.domainSeparator(), structHash));
        assertEq(log.receiptDigest(receipt), digest, "digest");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        assertEq(log.recoverSigner(receipt, abi.encodePacked(r, s, v)), vm.addr(KEY), "signer");
        assertEq(log.recoverSigner(receipt, abi.encodePacked(r, s)), address(0), "a short signature");
        bytes32 highS = bytes32(ORDER - uint256(s));
        assertEq(log.recoverSigner(receipt, abi.encodePacked(r, highS, v ^ 7)), address(0), "its twin");
    }

    function test_receiptDigest_isBoundToChainAndContract() public {
        Receipt memory receipt;
        bytes32 here = log.receiptDigest(receipt);
        assertTrue(new ReceiptLog(registry, validators).receiptDigest(receipt) != here, "contract");
        vm.chainId(block.chainid + 1);
        assertTrue(log.receiptDigest(receipt) != here, "chain");
    }

    function test_domain_isOurs() public view {
        bytes32 expected = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Depinfer"),
                keccak256("1"),
                block.chainid,
                address(log)
            )
        );
        assertEq(log.domainSeparator(), expected, "domain");
    }
}
