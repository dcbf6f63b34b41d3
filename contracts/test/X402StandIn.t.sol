// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig} from "../src/Channels.sol";
import {TestUSD} from "../src/TestUSD.sol";
import {Voucher, VoucherClaim, X402BatchSettlementStandIn} from "../src/x402/X402BatchSettlementStandIn.sol";
import {X402DepositCollectorStandIn} from "../src/x402/X402DepositCollectorStandIn.sol";
import {TokenSignatures} from "./support/TokenSignatures.sol";
import {vm} from "./support/Vm.sol";

/// @notice The stand-in has x402's digests, and moves money by its rules.
contract X402StandInTest is TokenSignatures {
    address internal constant SETTLEMENT = 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003;
    address internal constant COLLECTOR = 0x4020806089470a89826cB9fB1f4059150b550004;
    uint256 internal constant PAYER = 0xA11CE;
    uint256 internal constant RECEIVER = 0xB0B;

    X402BatchSettlementStandIn internal settlement = X402BatchSettlementStandIn(SETTLEMENT);
    TestUSD internal token = new TestUSD();
    ChannelConfig internal config;
    bytes32 internal id;

    function setUp() public {
        vm.warp(1_800_000_000);
        vm.etch(SETTLEMENT, address(new X402BatchSettlementStandIn()).code);
        vm.etch(COLLECTOR, address(new X402DepositCollectorStandIn()).code);
        config = ChannelConfig({
            payer: vm.addr(PAYER),
            payerAuthorizer: vm.addr(PAYER),
            receiver: vm.addr(RECEIVER),
            receiverAuthorizer: vm.addr(RECEIVER),
            token: address(token),
            withdrawDelay: 900,
            salt: bytes32(uint256(1))
        });
        id = settlement.getChannelId(config);
        token.mint(config.payer, 1_000);
    }

    function collectorData(uint256 amount, uint256 salt) internal view returns (bytes memory) {
        Transfer memory move = Transfer({
            from: config.payer,
            to: COLLECTOR,
            value: amount,
            validAfter: 0,
            validBefore: block.timestamp + 300,
            nonce: keccak256(abi.encode(id, salt))
        });
        return abi.encode(uint256(0), block.timestamp + 300, salt, receiveSignature(token, PAYER, move));
    }

    function deposit(uint128 amount) internal {
        settlement.deposit(config, amount, COLLECTOR, collectorData(amount, uint256(amount)));
    }

    function claimOf(uint128 max, uint128 total) internal view returns (VoucherClaim[] memory claims) {
        claims = new VoucherClaim[](1);
        claims[0] = VoucherClaim(Voucher(config, max), signWith(PAYER, settlement.getVoucherDigest(id, max)), total);
    }

    function claim(uint128 max, uint128 total) internal {
        VoucherClaim[] memory claims = claimOf(max, total);
        settlement.claimWithSignature(claims, signWith(RECEIVER, settlement.getClaimBatchDigest(claims)));
    }

    function withdrawable() internal view returns (uint256) {
        (uint128 balance, uint128 claimed) = settlement.channels(id);
        return balance - claimed;
    }

    /// @dev The expected digests are those that x402's own package computes for the same values.
    function test_hasTheDigestsOfX402() public {
        vm.chainId(31337);
        ChannelConfig memory known = ChannelConfig(
            address(1),
            address(2),
            address(3),
            address(4),
            address(5),
            900,
            bytes32(hex"0707070707070707070707070707070707070707070707070707070707070707")
        );
        bytes32 channelId = settlement.getChannelId(known);
        assertEq(channelId, 0xaa77ca0c11460fab9cc3c09ae4d6e90f212f0b991ba5d17308eec7856b86a815, "channel");
        assertEq(
            settlement.getVoucherDigest(channelId, 123),
            0xe97fd9f171aa853976655c03534612dcdbe130fbb15df50a4ff3bfe5abd6ddf0,
            "voucher"
        );
        assertEq(
            settlement.getRefundDigest(channelId, 5, 123),
            0x30befd06a9fb3713717362568fd5e1699fb1313625502bebecf978912f365be6,
            "refund"
        );
        VoucherClaim[] memory claims = new VoucherClaim[](2);
        claims[0] = VoucherClaim(Voucher(known, 123), "", 45);
        claims[1] = VoucherClaim(Voucher(known, 124), "", 46);
        assertEq(
            settlement.getClaimBatchDigest(claims),
            0x83f11d0530e1f6d8bcd143f2b572889551c0352af0d10a52cd43cfbfa4401e8a,
            "batch"
        );
    }

    function test_depositIsClaimedSettledAndGivenBack() public {
        deposit(100);
        claim(60, 40);
        claim(60, 50);
        settlement.settle(config.receiver, address(token));
        assertEq(token.balanceOf(config.receiver), 50, "earned");
        settlement.refundWithSignature(config, 50, 0, signWith(RECEIVER, settlement.getRefundDigest(id, 0, 50)));
        assertEq(token.balanceOf(config.payer), 950, "given back");
        assertEq(token.balanceOf(SETTLEMENT), 0, "nothing is left");
    }

    function test_depositOfAnotherIsNotTaken() public {
        bytes memory data = collectorData(100, 7);
        vm.expectRevert(abi.encodeWithSelector(X402DepositCollectorStandIn.NotSettlement.selector, address(this)));
        X402DepositCollectorStandIn(COLLECTOR).collect(address(token), config.payer, id, 100, data);
        ChannelConfig memory mine = config;
        mine.receiver = address(this);
        vm.expectRevert();
        settlement.deposit(mine, 100, COLLECTOR, data);
        assertEq(token.balanceOf(config.payer), 1_000, "payer");
    }

    function test_depositThatBringsNothingCountsNothing() public {
        vm.expectRevert(abi.encodeWithSelector(X402BatchSettlementStandIn.ShortDeposit.selector, 0, 100));
        settlement.deposit(config, 100, address(this), "");
    }

    /// @dev A collector that collects nothing.
    function collect(address, address, bytes32, uint256, bytes calldata) external {}

    function test_depositLeavesAnAnnouncedExit() public {
        deposit(100);
        vm.prank(config.payer);
        settlement.initiateWithdraw(config, 100);
        settlement.deposit(config, 0, address(this), "");
        vm.warp(block.timestamp + 900);
        settlement.finalizeWithdraw(config);
        assertEq(token.balanceOf(config.payer), 1_000, "payer");
    }

    function test_claimNeedsBothSignaturesAndStaysWithinThem() public {
        deposit(100);
        VoucherClaim[] memory claims = claimOf(60, 61);
        bytes memory signature = signWith(RECEIVER, settlement.getClaimBatchDigest(claims));
        vm.expectRevert(abi.encodeWithSelector(X402BatchSettlementStandIn.AboveVoucher.selector, 61, 60));
        settlement.claimWithSignature(claims, signature);
        claims = claimOf(101, 101);
        signature = signWith(RECEIVER, settlement.getClaimBatchDigest(claims));
        vm.expectRevert(abi.encodeWithSelector(X402BatchSettlementStandIn.AboveBalance.selector, 101, 100));
        settlement.claimWithSignature(claims, signature);
        claims = claimOf(60, 60);
        signature = signWith(PAYER, settlement.getClaimBatchDigest(claims));
        vm.expectRevert(X402BatchSettlementStandIn.InvalidSignature.selector);
        settlement.claimWithSignature(claims, signature);
        claims[0].signature = signWith(RECEIVER, settlement.getVoucherDigest(id, 60));
        signature = signWith(RECEIVER, settlement.getClaimBatchDigest(claims));
        vm.expectRevert(X402BatchSettlementStandIn.InvalidSignature.selector);
        settlement.claimWithSignature(claims, signature);
        vm.expectRevert(abi.encodeWithSelector(X402BatchSettlementStandIn.NotAuthorized.selector, address(this)));
        settlement.claim(claims);
    }

    function test_refundCountsOnce() public {
        deposit(100);
        bytes memory signature = signWith(RECEIVER, settlement.getRefundDigest(id, 0, 10));
        settlement.refundWithSignature(config, 10, 0, signature);
        vm.expectRevert(abi.encodeWithSelector(X402BatchSettlementStandIn.WrongNonce.selector, 0, 1));
        settlement.refundWithSignature(config, 10, 0, signature);
        vm.expectRevert(X402BatchSettlementStandIn.InvalidSignature.selector);
        settlement.refundWithSignature(config, 10, 1, signature);
    }

    function test_payerLeavesAloneAfterTheDelay() public {
        deposit(100);
        vm.expectRevert(abi.encodeWithSelector(X402BatchSettlementStandIn.NotAuthorized.selector, address(this)));
        settlement.initiateWithdraw(config, 100);
        vm.prank(config.payer);
        settlement.initiateWithdraw(config, 100);
        vm.warp(block.timestamp + 899);
        vm.expectRevert(abi.encodeWithSelector(X402BatchSettlementStandIn.TooEarly.selector, block.timestamp + 1));
        settlement.finalizeWithdraw(config);
        claim(30, 30);
        vm.warp(block.timestamp + 1);
        settlement.finalizeWithdraw(config);
        assertEq(token.balanceOf(config.payer), 970, "what was not claimed");
        vm.expectRevert(X402BatchSettlementStandIn.NothingPending.selector);
        settlement.finalizeWithdraw(config);
    }

    /// @dev Whatever is paid in is claimed, given back or still there, to the unit.
    function testFuzz_conserves(uint128[8] calldata amounts) public {
        deposit(500);
        for (uint256 i; i < amounts.length; ++i) {
            uint128 amount = amounts[i] % 600;
            if (i % 4 == 0) {
                VoucherClaim[] memory claims = claimOf(amount, amount);
                try settlement.claimWithSignature(claims, signWith(RECEIVER, settlement.getClaimBatchDigest(claims))) {}
                    catch {}
            } else if (i % 4 == 1) {
                vm.prank(config.receiver);
                try settlement.refund(config, amount) {} catch {}
            } else if (i % 4 == 2) {
                settlement.settle(config.receiver, address(token));
            } else if (amount % 2 == 0 && token.balanceOf(config.payer) >= amount) {
                settlement.deposit(config, amount, COLLECTOR, collectorData(amount, 1_000 + i));
            }
            (uint128 claimed, uint128 settled) = settlement.receivers(config.receiver, address(token));
            assertEq(token.balanceOf(SETTLEMENT), withdrawable() + claimed - settled, "escrow");
            assertEq(token.balanceOf(config.receiver), settled, "earned");
        }
        assertEq(token.totalSupply(), 1_000, "supply");
    }
}
