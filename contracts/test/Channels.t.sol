// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig, Channels, Claim} from "../src/Channels.sol";
import {TransferMismatch} from "../src/types/TokenIn.sol";
import {ChannelsFixture} from "./support/ChannelsFixture.sol";
import {FeeToken, LyingToken} from "./support/OddTokens.sol";
import {vm} from "./support/Vm.sol";

contract ChannelsTest is ChannelsFixture {
    uint256 internal constant OTHER_KEY = 0xB0B;

    /* CONSTRUCTION */

    function test_constructor_refusesNoTokenAndDelaysOutOfRange() public {
        vm.expectRevert(Channels.ZeroAddress.selector);
        new Channels(address(0), MIN_DELAY);
        vm.expectRevert(abi.encodeWithSelector(Channels.DelayBoundOutOfRange.selector, 0, 30 days));
        new Channels(address(token), 0);
        vm.expectRevert(abi.encodeWithSelector(Channels.DelayBoundOutOfRange.selector, 30 days + 1, 30 days));
        new Channels(address(token), 30 days + 1);
    }

    function test_domain_isThatOfX402() public view {
        bytes32 expected = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("x402 Batch Settlement"),
                keccak256("1"),
                block.chainid,
                address(channels)
            )
        );
        assertEq(channels.domainSeparator(), expected, "domain");
    }

    function test_channelId_isTheTypedHashOfTheConfig() public view {
        ChannelConfig memory config = configOf(7);
        bytes32 structHash = keccak256(abi.encode(channels.CHANNEL_CONFIG_TYPEHASH(), config));
        bytes32 expected = keccak256(abi.encodePacked(hex"1901", channels.domainSeparator(), structHash));
        assertEq(channels.channelId(config), expected, "id");
    }

    function test_voucherDigest_isTheTypedHashOfIdAndAmount() public view {
        bytes32 structHash = keccak256(abi.encode(channels.VOUCHER_TYPEHASH(), bytes32("id"), uint128(5)));
        bytes32 expected = keccak256(abi.encodePacked(hex"1901", channels.domainSeparator(), structHash));
        assertEq(channels.voucherDigest("id", 5), expected, "digest");
        assertEq(
            channels.VOUCHER_TYPEHASH(), keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)"), "type"
        );
    }

    /* FREE BALANCE */

    function test_deposit_creditsThePayerNamed() public {
        vm.expectEmit();
        emit Channels.Deposited(payer, stranger, 3);
        vm.prank(stranger);
        channels.deposit(payer, 3);
        assertEq(channels.balanceOf(payer), 500 * DOLLAR + 3, "free");
        assertEq(token.balanceOf(address(channels)), 500 * DOLLAR + 3, "held");
    }

    function test_deposit_refusesZero() public {
        vm.expectRevert(Channels.ZeroAmount.selector);
        channels.deposit(payer, 0);
        vm.expectRevert(Channels.ZeroAddress.selector);
        channels.deposit(address(0), 1);
    }

    function test_transfersIn_areRefusedWhenLessArrives() public {
        FeeToken fee = new FeeToken();
        Channels withFee = new Channels(address(fee), MIN_DELAY);
        fee.mint(address(this), 1_000);
        fee.approve(address(withFee), 1_000);
        vm.expectRevert(abi.encodeWithSelector(TransferMismatch.selector, 1_000, 990));
        withFee.deposit(payer, 1_000);
        ChannelConfig memory config = configOf(1);
        config.payer = address(this);
        config.token = address(fee);
        vm.expectRevert(abi.encodeWithSelector(TransferMismatch.selector, 1_000, 990));
        withFee.open(config, 1_000);

        LyingToken lying = new LyingToken();
        Channels withLies = new Channels(address(lying), MIN_DELAY);
        vm.expectRevert(abi.encodeWithSelector(TransferMismatch.selector, 5, 0));
        withLies.deposit(payer, 5);
        assertEq(withLies.balanceOf(payer), 0, "nothing was credited");
    }

    function test_withdraw_paysAnyAddressButOnlyOnesOwn() public {
        vm.expectEmit();
        emit Channels.Withdrawn(payer, stranger, 10);
        vm.prank(payer);
        channels.withdraw(10, stranger);
        assertEq(token.balanceOf(stranger), 1_000 * DOLLAR + 10, "paid");

        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Channels.InsufficientBalance.selector, stranger, 0, 1));
        channels.withdraw(1, stranger);
        vm.startPrank(payer);
        vm.expectRevert(Channels.ZeroAmount.selector);
        channels.withdraw(0, payer);
        vm.expectRevert(abi.encodeWithSelector(Channels.InvalidRecipient.selector, address(0)));
        channels.withdraw(1, address(0));
        vm.expectRevert(abi.encodeWithSelector(Channels.InvalidRecipient.selector, address(channels)));
        channels.withdraw(1, address(channels));
    }

    /* OPENING */

    function test_open_takesTokensAndEmitsTheWholeConfig() public {
        ChannelConfig memory config = configOf(1);
        bytes32 id = channels.channelId(config);
        vm.expectEmit();
        emit Channels.ChannelOpened(id, payer, receiver, signer, receiverAuthorizer, DELAY, bytes32(uint256(1)), 9);
        vm.prank(payer);
        channels.open(config, 9);
        assertState(id, 9, 0, 0, 1);
        assertEq(channels.balanceOf(payer), 500 * DOLLAR, "free balance untouched");
        assertEq(token.balanceOf(payer), 500 * DOLLAR - 9, "wallet");
    }

    function test_openFromBalance_takesFreeBalance() public {
        (, bytes32 id) = openChannel(1, 9);
        assertState(id, 9, 0, 0, 1);
        assertEq(channels.balanceOf(payer), 500 * DOLLAR - 9, "free");
        vm.prank(payer);
        vm.expectRevert(
            abi.encodeWithSelector(Channels.InsufficientBalance.selector, payer, 500 * DOLLAR - 9, 500 * DOLLAR)
        );
        channels.openFromBalance(configOf(2), 500 * DOLLAR);
    }

    function test_open_refusesEveryBadConfig() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotPayer.selector, stranger));
        channels.open(configOf(1), 1);

        vm.startPrank(payer);
        ChannelConfig memory config = configOf(1);
        config.token = address(1);
        vm.expectRevert(abi.encodeWithSelector(Channels.WrongToken.selector, address(1), address(token)));
        channels.open(config, 1);

        config = configOf(1);
        config.payerAuthorizer = address(0);
        vm.expectRevert(Channels.ZeroAddress.selector);
        channels.open(config, 1);

        config = configOf(1);
        config.receiver = address(0);
        vm.expectRevert(Channels.ZeroAddress.selector);
        channels.open(config, 1);

        config = configOf(1);
        config.withdrawDelay = MIN_DELAY - 1;
        vm.expectRevert(abi.encodeWithSelector(Channels.DelayOutOfRange.selector, MIN_DELAY - 1, MIN_DELAY, 30 days));
        channels.open(config, 1);
        config.withdrawDelay = 30 days + 1;
        vm.expectRevert(abi.encodeWithSelector(Channels.DelayOutOfRange.selector, 30 days + 1, MIN_DELAY, 30 days));
        channels.open(config, 1);

        vm.expectRevert(Channels.ZeroAmount.selector);
        channels.open(configOf(1), 0);
        vm.expectRevert(abi.encodeWithSelector(Channels.AmountTooWide.selector, uint256(2 ** 96)));
        channels.open(configOf(1), 2 ** 96);
    }

    function test_open_refusesStrayBitsInEveryWord() public {
        // Members 0 to 4 are addresses, 5 is a uint40; 6, the salt, may hold anything.
        for (uint256 word; word < 6; ++word) {
            bytes memory data = abi.encodeCall(Channels.open, (configOf(1), 1));
            data[4 + 32 * word] = 0x01;
            vm.prank(payer);
            (bool done,) = address(channels).call(data);
            assertTrue(!done, "a config with stray bits was opened");
        }
    }

    function test_open_refusesAnIdForEver() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(1, 9);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelExists.selector, id, 1));
        channels.openFromBalance(config, 1);
        vm.prank(receiver);
        channels.claimAndClose(config, 0, "");
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelExists.selector, id, 2));
        channels.open(config, 1);
    }

    /* TOPPING UP */

    function test_topUp_isOpenToAnyoneAndKeepsAPendingExit() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(1, 9);
        vm.prank(payer);
        channels.initiateWithdraw(config);
        vm.expectEmit();
        emit Channels.ToppedUp(id, stranger, 4);
        vm.prank(stranger);
        channels.topUp(config, 4);
        assertState(id, 13, 0, block.timestamp + DELAY, 1);
        vm.prank(payer);
        channels.topUpFromBalance(config, 2);
        assertState(id, 15, 0, block.timestamp + DELAY, 1);
        vm.warp(block.timestamp + DELAY);
        channels.finalizeWithdraw(config);
        assertEq(channels.balanceOf(payer), 500 * DOLLAR + 4, "the stranger's gift is the payer's");
    }

    function test_topUp_refusesBadInput() public {
        (ChannelConfig memory config,) = openChannel(1, 9);
        vm.startPrank(payer);
        vm.expectRevert(Channels.ZeroAmount.selector);
        channels.topUp(config, 0);
        vm.expectRevert(abi.encodeWithSelector(Channels.AmountTooWide.selector, uint256(2 ** 96)));
        channels.topUp(config, 2 ** 96 - 9);
        vm.expectRevert(abi.encodeWithSelector(Channels.AmountTooWide.selector, type(uint256).max));
        channels.topUp(config, type(uint256).max);
        ChannelConfig memory never = configOf(2);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, channels.channelId(never), 0));
        channels.topUp(never, 1);
        vm.stopPrank();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotPayer.selector, stranger));
        channels.topUpFromBalance(config, 1);
    }

    /* CLAIMING */

    function test_claim_isCumulativeAndRelayedByAnyone() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(1, 100);
        vm.expectEmit();
        emit Channels.Claimed(id, 30, 30);
        vm.prank(stranger);
        channels.claim(config, 30, signVoucher(SIGNER_KEY, id, 30));
        vm.expectEmit();
        emit Channels.Claimed(id, 100, 70);
        channels.claim(config, 100, signVoucher(SIGNER_KEY, id, 100));
        assertState(id, 100, 100, 0, 1);
        assertEq(channels.earned(receiver), 100, "earned");
        vm.expectEmit();
        emit Channels.EarnedWithdrawn(receiver, stranger, 100);
        vm.prank(receiver);
        channels.withdrawEarned(stranger);
        assertEq(channels.earned(receiver), 0, "earned after");
        assertEq(token.balanceOf(stranger), 1_000 * DOLLAR + 100, "paid");
    }

    function test_claim_refusesWhatTheVoucherDoesNotCover() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(1, 100);
        bytes memory signature = signVoucher(SIGNER_KEY, id, 30);
        channels.claim(config, 30, signature);

        vm.expectRevert(abi.encodeWithSelector(Channels.NotAboveSettled.selector, id, 30, 30));
        channels.claim(config, 30, signature);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotAboveSettled.selector, id, 0, 30));
        channels.claim(config, 0, "");
        signature = signVoucher(SIGNER_KEY, id, 101);
        vm.expectRevert(abi.encodeWithSelector(Channels.AboveDeposit.selector, id, 101, 100));
        channels.claim(config, 101, signature);
        vm.expectRevert(abi.encodeWithSelector(Channels.AboveDeposit.selector, id, type(uint128).max, 100));
        channels.claim(config, type(uint128).max, signature);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignature.selector, id));
        channels.claim(config, 100, signature);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignature.selector, id));
        channels.claim(config, 100, "");
        signature = signVoucher(OTHER_KEY, id, 100);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignature.selector, id));
        channels.claim(config, 100, signature);
        bytes32 never = channels.channelId(configOf(2));
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, never, 0));
        channels.claim(configOf(2), 1, signature);
    }

    function test_claim_refusesVouchersOfAnotherChannelContractOrChain() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(1, 100);
        (, bytes32 otherId) = openChannel(2, 100);
        bytes memory ofOtherChannel = signVoucher(SIGNER_KEY, otherId, 50);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignature.selector, id));
        channels.claim(config, 50, ofOtherChannel);

        Channels twin = new Channels(address(token), MIN_DELAY);
        bytes memory ofTwin = signDigest(SIGNER_KEY, twin.voucherDigest(twin.channelId(config), 50));
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignature.selector, id));
        channels.claim(config, 50, ofTwin);

        uint256 here = block.chainid;
        bytes memory ofHere = signVoucher(SIGNER_KEY, id, 50);
        vm.chainId(here + 1);
        bytes32 idThere = channels.channelId(config);
        assertTrue(idThere != id, "a fork with another chain id has other channel ids");
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, idThere, 0));
        channels.claim(config, 50, ofHere);
        vm.chainId(here);
        channels.claim(config, 50, ofHere);
    }

    function test_claimBatch_reportsEachBadVoucherAndClaimsTheRest() public {
        (ChannelConfig memory a, bytes32 idA) = openChannel(1, 100);
        (ChannelConfig memory b, bytes32 idB) = openChannel(2, 100);
        Claim[] memory claims = new Claim[](7);
        claims[0] = claimOf(configOf(3), 5); // never opened
        claims[1] = claimOf(a, 40);
        claims[2] = claimOf(a, 40); // the same again
        claims[3] = claimOf(b, 101); // above the deposit
        claims[4] = Claim(b, 20, signVoucher(OTHER_KEY, idB, 20)); // wrong key
        claims[5] = claimOf(b, 10);
        claims[6] = claimOf(a, 60);
        bytes32 idC = channels.channelId(claims[0].config);

        vm.expectEmit();
        emit Channels.ClaimSkipped(0, idC, 1);
        vm.expectEmit();
        emit Channels.Claimed(idA, 40, 40);
        vm.expectEmit();
        emit Channels.ClaimSkipped(2, idA, 2);
        vm.expectEmit();
        emit Channels.ClaimSkipped(3, idB, 3);
        vm.expectEmit();
        emit Channels.ClaimSkipped(4, idB, 4);
        vm.expectEmit();
        emit Channels.Claimed(idB, 10, 10);
        vm.expectEmit();
        emit Channels.Claimed(idA, 60, 20);
        (uint256 credited, uint256 skipped) = channels.claimBatch(claims);
        assertEq(credited, 70, "credited");
        assertEq(skipped, 4, "skipped");
        assertEq(channels.earned(receiver), 70, "earned");
    }

    function test_claimBatch_ofNothingDoesNothing() public {
        (uint256 credited, uint256 skipped) = channels.claimBatch(new Claim[](0));
        assertEq(credited + skipped, 0, "nothing");
    }

    /* CLOSING */

    function test_claimAndClose_paysBothSidesAndLeavesATombstone() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(1, 100);
        bytes memory signature = signVoucher(SIGNER_KEY, id, 30);
        vm.expectEmit();
        emit Channels.Claimed(id, 30, 30);
        vm.expectEmit();
        emit Channels.ChannelClosed(id, payer, 30, 70);
        vm.prank(receiverAuthorizer);
        channels.claimAndClose(config, 30, signature);
        assertState(id, 30, 30, 0, 2);
        assertEq(channels.earned(receiver), 30, "earned");
        assertEq(channels.balanceOf(payer), 500 * DOLLAR - 30, "free");

        vm.startPrank(receiver);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, id, 2));
        channels.claimAndClose(config, 30, signature);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, id, 2));
        channels.claim(config, 30, signature);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, id, 2));
        channels.topUp(config, 1);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, id, 2));
        channels.refund(config, 1);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelNotOpen.selector, id, 2));
        channels.finalizeWithdraw(config);
    }

    function test_claimAndClose_closesWithoutAVoucherAtTheSettledAmount() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(1, 100);
        channels.claim(config, 30, signVoucher(SIGNER_KEY, id, 30));
        vm.prank(receiver);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotAboveSettled.selector, id, 29, 30));
        channels.claimAndClose(config, 29, "");
        vm.prank(receiver);
        channels.claimAndClose(config, 30, "");
        assertState(id, 30, 30, 0, 2);
    }

    function test_claimAndClose_isTheReceiversOnly() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(1, 100);
        bytes memory signature = signVoucher(SIGNER_KEY, id, 30);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotReceiver.selector, payer));
        channels.claimAndClose(config, 30, signature);
        vm.startPrank(receiver);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignature.selector, id));
        channels.claimAndClose(config, 31, signature);
        vm.expectRevert(abi.encodeWithSelector(Channels.AboveDeposit.selector, id, 101, 100));
        channels.claimAndClose(config, 101, signature);
    }

    function test_withdrawEarned_refusesNothingAndNowhere() public {
        vm.expectRevert(Channels.ZeroAmount.selector);
        channels.withdrawEarned(stranger);
        vm.expectRevert(abi.encodeWithSelector(Channels.InvalidRecipient.selector, address(0)));
        channels.withdrawEarned(address(0));
        vm.expectRevert(abi.encodeWithSelector(Channels.InvalidRecipient.selector, address(channels)));
        channels.withdrawEarned(address(channels));
    }

    /* RETURNING */

    function test_refund_givesBackUnclaimedEscrowOnly() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(1, 100);
        channels.claim(config, 30, signVoucher(SIGNER_KEY, id, 30));
        vm.prank(payer);
        channels.initiateWithdraw(config);
        vm.expectEmit();
        emit Channels.Refunded(id, payer, 50);
        vm.prank(receiver);
        channels.refund(config, 50);
        assertState(id, 50, 30, block.timestamp + DELAY, 1);
        assertEq(channels.balanceOf(payer), 500 * DOLLAR - 50, "free");

        vm.startPrank(receiverAuthorizer);
        vm.expectRevert(abi.encodeWithSelector(Channels.RefundAboveUnclaimed.selector, id, 21, 20));
        channels.refund(config, 21);
        vm.expectRevert(Channels.ZeroAmount.selector);
        channels.refund(config, 0);
        channels.refund(config, 20);
        vm.stopPrank();
        assertState(id, 30, 30, block.timestamp + DELAY, 1);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotReceiver.selector, payer));
        channels.refund(config, 1);
    }

    function test_exit_takesTheDelayAndTheReceiverCanClaimMeanwhile() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(1, 100);
        vm.expectRevert(abi.encodeWithSelector(Channels.WithdrawNotInitiated.selector, id));
        channels.finalizeWithdraw(config);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotPayer.selector, stranger));
        channels.initiateWithdraw(config);

        uint256 withdrawAt = block.timestamp + DELAY;
        vm.expectEmit();
        emit Channels.WithdrawInitiated(id, signer, withdrawAt);
        vm.prank(signer);
        channels.initiateWithdraw(config);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(Channels.WithdrawPending.selector, id, withdrawAt));
        channels.initiateWithdraw(config);

        vm.warp(withdrawAt - 1);
        vm.expectRevert(abi.encodeWithSelector(Channels.WithdrawTooEarly.selector, id, withdrawAt));
        channels.finalizeWithdraw(config);
        channels.claim(config, 30, signVoucher(SIGNER_KEY, id, 30));
        vm.warp(withdrawAt);
        vm.expectEmit();
        emit Channels.ChannelClosed(id, payer, 30, 70);
        vm.prank(stranger);
        channels.finalizeWithdraw(config);
        assertState(id, 30, 30, 0, 2);
        assertEq(channels.balanceOf(payer), 500 * DOLLAR - 30, "free");
        assertEq(channels.earned(receiver), 30, "earned");
    }
}
