// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1155} from "solady/src/tokens/ERC1155.sol";
import {ChannelConfig, Channels} from "../src/Channels.sol";
import {PassLedger} from "../src/passes/PassLedger.sol";
import {Passes} from "../src/passes/Passes.sol";
import {TestUSD} from "../src/TestUSD.sol";
import {Pass, PassChannelView, Tier} from "../src/types/Pass.sol";
import {Authorization} from "../src/types/TokenIn.sol";
import {ContractWallet} from "./support/OddTokens.sol";
import {PassesFixture} from "./support/PassesFixture.sol";
import {TokenSignatures} from "./support/TokenSignatures.sol";
import {vm} from "./support/Vm.sol";

contract PassesTest is PassesFixture, TokenSignatures {
    /* TIERS */

    function test_createTier_isOpenToAllAndForEver() public {
        vm.expectEmit();
        emit PassLedger.TierCreated(2, stranger, 7, 1 hours, 3, 5, "models", "mine");
        vm.prank(stranger);
        assertEq(passes.createTier(7, 1 hours, 3, 5, "models", "mine"), 2, "number");
        Tier memory made = passes.tierOf(2);
        assertEq(made.issuer, stranger, "issuer");
        assertEq(made.price, 7, "price");
        assertEq(made.period, 1 hours, "period");
        assertEq(made.quota, 3, "quota");
        assertEq(made.requestsPerMinute, 5, "requests");
        assertEq(made.modelsHash, "models", "models");
        // Seven units less a fee of none, over three tokens.
        assertEq(passes.unitsPerMillion(2), 2_333_333, "price per million");
        assertEq(passes.unitsPerMillion(tier), 1_900_000, "$19 for ten million tokens");
    }

    function test_createTier_refusesWhatCannotBe() public {
        vm.expectRevert(PassLedger.ZeroAmount.selector);
        passes.createTier(0, 1 hours, 1, 0, 0, "");
        vm.expectRevert(PassLedger.ZeroAmount.selector);
        passes.createTier(1, 1 hours, 0, 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(PassLedger.PeriodOutOfRange.selector, 3_599, 3_600, 3_660 days));
        passes.createTier(1, 3_599, 1, 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(PassLedger.PeriodOutOfRange.selector, 3_660 days + 1, 3_600, 3_660 days));
        passes.createTier(1, 3_660 days + 1, 1, 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(PassLedger.AmountTooWide.selector, uint256(2 ** 96)));
        passes.createTier(2 ** 96, 1 hours, 1, 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(PassLedger.AmountTooWide.selector, uint256(2 ** 128)));
        passes.createTier(1, 1 hours, 2 ** 128, 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(PassLedger.QuotaTooLarge.selector, 1_000_001, 1));
        passes.createTier(1, 1 hours, 1_000_001, 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(PassLedger.NoSuchTier.selector, 9));
        passes.tierOf(9);
    }

    /* BUYING */

    function test_buy_takesThePriceAndKeepsItApart() public {
        vm.expectEmit();
        emit Passes.PassBought(1, tier, holder, gateway, signer, uint40(block.timestamp + PERIOD), PRICE);
        uint256 id = _buy();
        Pass memory pass = passes.passOf(id);
        assertEq(pass.holder, holder, "holder");
        assertEq(pass.balance, NET, "balance");
        assertEq(pass.fee, FEE, "fee");
        assertEq(pass.end, block.timestamp + PERIOD, "end");
        assertEq(passes.balanceOf(holder, id), 1, "held");
        assertEq(token.balanceOf(address(passes)), PRICE, "taken");
        assertEq(passes.refundable(id), PRICE, "nothing is earned yet");
    }

    function test_buy_refusesMoreThanTheMaximumAndTiersThatAreNot() public {
        vm.startPrank(holder);
        vm.expectRevert(abi.encodeWithSelector(Passes.PriceAbove.selector, PRICE, PRICE - 1));
        passes.buy(tier, gateway, signer, PRICE - 1);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.NoSuchTier.selector, 9));
        passes.buy(9, gateway, signer, PRICE);
        token.approve(address(passes), PRICE - 1);
        vm.expectRevert();
        passes.buy(tier, gateway, signer, PRICE);
        assertEq(passes.passCount(), 0, "nothing was made");
    }

    function test_buyWithAuthorization_bindsTierOperatorAndSigner() public {
        uint256 key = 0xBA7E5;
        address buyer_ = vm.addr(key);
        token.mint(buyer_, 2 * PRICE);
        bytes32 nonce = passes.buyNonce(tier, gateway, signer, "salt");
        Transfer memory move = Transfer(buyer_, address(passes), PRICE, 0, block.timestamp + 1, nonce);
        Authorization memory by = Authorization(0, block.timestamp + 1, "salt", receiveSignature(token, key, move));
        bytes memory invalid = abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, buyer_);
        vm.expectRevert(invalid);
        passes.buyWithAuthorization(tier, buyer_, stranger, signer, by);
        vm.expectRevert(invalid);
        passes.buyWithAuthorization(tier, buyer_, gateway, stranger, by);
        passes.createTier(PRICE, PERIOD, 1, 0, 0, "same price, other tier");
        vm.expectRevert(invalid);
        passes.buyWithAuthorization(2, buyer_, gateway, signer, by);
        vm.prank(stranger);
        uint256 id = passes.buyWithAuthorization(tier, buyer_, gateway, signer, by);
        assertEq(passes.balanceOf(buyer_, id), 1, "the payer's, whoever relayed it");
        vm.expectRevert(abi.encodeWithSelector(TestUSD.AuthorizationUsedOrCanceled.selector, buyer_, nonce));
        passes.buyWithAuthorization(tier, buyer_, gateway, signer, by);
    }

    function test_renew_addsAPeriodAndAQuota() public {
        uint256 id = _buy();
        uint256 end = block.timestamp + PERIOD;
        vm.prank(stranger);
        passes.renew(id);
        Pass memory pass = passes.passOf(id);
        assertEq(pass.end, end + PERIOD, "end");
        assertEq(pass.balance, 2 * NET, "balance");
        assertEq(passes.refundable(id), 2 * PRICE, "all of it");
    }

    function test_renew_ofAnOldPassCountsOnlyTheTimePaidFor() public {
        uint256 id = _buy();
        vm.warp(block.timestamp + 3 * PERIOD);
        assertEq(passes.refundable(id), 0, "time has earned it");
        vm.prank(holder);
        passes.renew(id);
        assertEq(passes.passOf(id).end, block.timestamp + PERIOD, "a whole period from now");
        // Half of the time paid for is left, and half of what was paid is earned.
        assertEq(passes.refundable(id), PRICE, "the new period's price");
        vm.prank(holder);
        passes.cancel(id);
        vm.expectRevert(
            abi.encodeWithSelector(Passes.PassNotActive.selector, id, block.timestamp + PERIOD, block.timestamp)
        );
        passes.renew(id);
    }

    /* UPGRADING */

    function test_upgrade_creditsWhatACancellationWouldRefund() public {
        uint256 dear = passes.createTier(3 * PRICE, PERIOD, QUOTA, 0, 0, "dear");
        uint256 id = _buy();
        _use(id, provider, 4 * DOLLAR, 0);
        vm.warp(block.timestamp + PERIOD / 2);
        // Half the time is left: half of the price, of which nothing was spent from the balance of $15.
        assertEq(passes.refundable(id), PRICE / 2, "credit");
        vm.prank(holder);
        vm.expectRevert(abi.encodeWithSelector(Passes.PriceAbove.selector, 3 * PRICE - PRICE / 2, 1));
        passes.upgrade(id, dear, 1);
        uint256 before = token.balanceOf(holder);
        vm.expectEmit();
        emit Passes.PassUpgraded(id, dear, uint40(block.timestamp + PERIOD), PRICE / 2, 3 * PRICE - PRICE / 2);
        vm.prank(holder);
        passes.upgrade(id, dear, type(uint256).max);
        assertEq(before - token.balanceOf(holder), 3 * PRICE - PRICE / 2, "paid");
        Pass memory pass = passes.passOf(id);
        assertEq(pass.tier, dear, "tier");
        assertEq(pass.balance, 3 * NET, "balance");
        assertEq(pass.fee, 3 * FEE, "fee");
        // Half of the fee is earned; so is what was left beyond the credit: $15 less half of $19.
        assertEq(passes.owed(address(splitter)), FEE / 2, "fee of the time that is over");
        assertEq(passes.surplusOf(tier, passes.periodOf(tier)).remaining, 15 * DOLLAR - NET / 2, "surplus");
        // What comes back of the old channel is the holder's to use.
        vm.prank(holder);
        passes.cancel(id);
        _wind(id);
        assertEq(passes.owed(holder), 3 * PRICE, "at once, so everything");
    }

    function test_upgrade_isForDearerTiersAndTheHolder() public {
        uint256 dear = passes.createTier(3 * PRICE, PERIOD, QUOTA, 0, 0, "dear");
        uint256 cheap = passes.createTier(PRICE, PERIOD, QUOTA, 0, 0, "not dearer");
        uint256 id = _buy();
        vm.prank(gateway);
        vm.expectRevert(abi.encodeWithSelector(Passes.NotHolder.selector, id, gateway));
        passes.upgrade(id, dear, type(uint256).max);
        vm.startPrank(holder);
        vm.expectRevert(abi.encodeWithSelector(Passes.NotDearer.selector, cheap, PRICE, PRICE));
        passes.upgrade(id, cheap, type(uint256).max);
        for (uint256 i; i < 3; ++i) {
            passes.renew(id);
        }
        vm.expectRevert(abi.encodeWithSelector(Passes.CreditAbovePrice.selector, 4 * PRICE, 3 * PRICE));
        passes.upgrade(id, dear, type(uint256).max);
    }

    /* USING */

    function test_fund_opensAnOrdinaryChannelAndTopsItUp() public {
        uint256 id = _buy();
        vm.prank(gateway);
        bytes32 channelId = passes.fund(id, provider, 2 * DOLLAR);
        ChannelConfig memory config = passes.channelsOf(id)[0].config;
        assertEq(channels.channelId(config), channelId, "id");
        assertEq(config.payer, address(passes), "payer");
        assertEq(config.payerAuthorizer, signer, "signer");
        assertEq(config.receiver, provider, "provider");
        assertEq(config.receiverAuthorizer, provider, "its authorizer");
        assertEq(config.withdrawDelay, channels.MIN_WITHDRAW_DELAY(), "delay");
        assertEq(config.salt, keccak256(abi.encode(id, signer, uint64(0))), "salt");
        assertEq(passes.passOfChannel(channelId), id, "its pass");
        vm.prank(holder);
        assertEq(passes.fund(id, provider, DOLLAR), channelId, "the same channel");
        assertEq(channels.channel(channelId).deposit, 3 * DOLLAR, "deposit");
        Pass memory pass = passes.passOf(id);
        assertEq(pass.balance, NET - 3 * DOLLAR, "balance");
        assertEq(pass.drawn, 3 * DOLLAR, "drawn");
        _claim(config, 3 * DOLLAR);
        vm.prank(provider);
        channels.withdrawEarned(provider);
        assertEq(token.balanceOf(provider), 1_000 * DOLLAR - STAKE + 3 * DOLLAR, "an ordinary payment");
    }

    function test_fund_isForHolderAndOperatorWithinBalanceAndTime() public {
        uint256 id = _buy();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Passes.NotOperator.selector, id, stranger));
        passes.fund(id, provider, 1);
        vm.startPrank(gateway);
        vm.expectRevert(PassLedger.ZeroAmount.selector);
        passes.fund(id, provider, 0);
        vm.expectRevert(abi.encodeWithSelector(Passes.AboveBalance.selector, id, NET + 1, NET));
        passes.fund(id, provider, NET + 1);
        vm.expectRevert(abi.encodeWithSelector(Passes.PassNotActive.selector, 9, 0, 0));
        passes.fund(9, provider, 1);
        vm.stopPrank();
        vm.prank(holder);
        passes.setOperator(id, gateway, address(0));
        vm.prank(gateway);
        vm.expectRevert(abi.encodeWithSelector(Passes.NoSigner.selector, id));
        passes.fund(id, provider, 1);
        vm.warp(block.timestamp + PERIOD);
        vm.prank(gateway);
        vm.expectRevert(abi.encodeWithSelector(Passes.PassNotActive.selector, id, block.timestamp, 0));
        passes.fund(id, provider, 1);
    }

    function test_fund_replacesAChannelThatIsLeaving() public {
        uint256 id = _buy();
        _use(id, provider, 2 * DOLLAR, DOLLAR);
        ChannelConfig memory first = _channelWith(id, provider);
        // The session key may begin the exit of a channel whose provider is gone.
        vm.prank(signer);
        channels.initiateWithdraw(first);
        vm.prank(gateway);
        bytes32 next = passes.fund(id, provider, DOLLAR);
        assertTrue(next != channels.channelId(first), "another one");
        vm.warp(block.timestamp + passes.WITHDRAW_DELAY());
        passes.reclaim(id, 0);
        PassChannelView[] memory left = passes.channelsOf(id);
        assertEq(left.length, 1, "one is left");
        assertEq(channels.channelId(left[0].config), next, "the new one");
        Pass memory pass = passes.passOf(id);
        assertEq(pass.balance, NET - 2 * DOLLAR, "what was not spent came back");
        assertEq(pass.drawn, DOLLAR, "drawn");
    }

    function test_fund_isBoundedInChannels() public {
        uint256 id = _buy();
        for (uint160 i; i < passes.MAX_PASS_CHANNELS(); ++i) {
            vm.prank(gateway);
            passes.fund(id, address(0xD000 + i), 1);
        }
        vm.prank(gateway);
        vm.expectRevert(abi.encodeWithSelector(Passes.TooManyChannels.selector, id, 16));
        passes.fund(id, provider, 1);
        vm.prank(holder);
        passes.cancel(id);
        assertLe(vm.lastCallGas().gasTotalUsed, 1_500_000, "ending the fullest pass");
        _wind(id);
        assertEq(passes.owed(holder), PRICE, "everything came back");
    }

    function test_reclaim_countsWhatStrangersAddedAsNobodys() public {
        uint256 id = _buy();
        _use(id, provider, DOLLAR, 0);
        ChannelConfig memory config = _channelWith(id, provider);
        token.mint(stranger, 5 * DOLLAR);
        vm.startPrank(stranger);
        token.approve(address(channels), type(uint256).max);
        channels.topUp(config, 5 * DOLLAR);
        vm.stopPrank();
        // More is spent than the pass put in: the gift pays for it.
        _claim(config, 3 * DOLLAR);
        vm.expectRevert(abi.encodeWithSelector(Channels.WithdrawNotInitiated.selector, channels.channelId(config)));
        passes.reclaim(id, 0);
        vm.expectRevert(abi.encodeWithSelector(Passes.NoSuchChannel.selector, id, 1));
        passes.reclaim(id, 1);
        vm.prank(holder);
        passes.cancel(id);
        vm.warp(block.timestamp + passes.WITHDRAW_DELAY());
        // Anybody may have finished it before.
        channels.finalizeWithdraw(config);
        vm.expectEmit();
        emit Passes.ChannelReclaimed(id, channels.channelId(config), 3 * DOLLAR, 0);
        passes.reclaim(id, 0);
        assertEq(passes.passOf(id).balance, NET - DOLLAR, "no more than was put in is gone");
    }

    function test_setOperator_waitsForTheChannelsOfTheOldSigner() public {
        uint256 id = _buy();
        _use(id, provider, DOLLAR, 0);
        vm.prank(gateway);
        vm.expectRevert(abi.encodeWithSelector(Passes.NotHolder.selector, id, gateway));
        passes.setOperator(id, gateway, signer);
        vm.startPrank(holder);
        vm.expectRevert(abi.encodeWithSelector(Passes.ChannelsOpen.selector, id, 1));
        passes.setOperator(id, second, address(1));
        passes.setOperator(id, second, signer);
        vm.stopPrank();
        assertEq(passes.passOf(id).operator, second, "operator");
        vm.prank(gateway);
        vm.expectRevert(abi.encodeWithSelector(Passes.NotOperator.selector, id, gateway));
        passes.fund(id, provider, 1);
    }

    /* ENDING */

    function test_cancel_refundsTheTimeThatIsLeft() public {
        uint256 id = _buy();
        vm.warp(block.timestamp + PERIOD / 4);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Passes.NotHolder.selector, id, stranger));
        passes.cancel(id);
        vm.prank(holder);
        passes.cancel(id);
        vm.expectEmit();
        emit Passes.PassSettled(id, holder, 3 * PRICE / 4, FEE / 4, NET / 4);
        passes.settle(id);
        vm.expectRevert(abi.encodeWithSelector(Passes.AlreadySettled.selector, id));
        passes.settle(id);
        vm.prank(holder);
        assertEq(passes.withdraw(stranger), 3 * PRICE / 4, "refund");
        passes.forward(address(splitter));
        assertEq(token.balanceOf(address(splitter)), FEE / 4, "fee");
        assertEq(token.balanceOf(address(passes)), NET / 4, "surplus");
    }

    function test_cancel_refundsNothingThatWasSpent() public {
        uint256 id = _buy();
        // $15 of $19 are spent on the first day.
        _use(id, provider, 10 * DOLLAR, 10 * DOLLAR);
        _use(id, second, 9 * DOLLAR, 5 * DOLLAR);
        vm.warp(block.timestamp + PERIOD / 10);
        vm.prank(holder);
        passes.cancel(id);
        vm.expectRevert(abi.encodeWithSelector(Passes.ChannelsOpen.selector, id, 2));
        passes.settle(id);
        // Until the delay is over providers redeem what they hold.
        _claim(_channelWith(id, second), 6 * DOLLAR);
        _wind(id);
        // $3 are left, with their part of the fee; time left would allow more.
        uint256 feeBack = FEE * 3 / 19;
        assertEq(passes.owed(holder), 3 * DOLLAR + feeBack, "refund");
        assertEq(passes.owed(address(splitter)), FEE - feeBack, "fee");
        assertEq(passes.surplusOf(tier, passes.periodOf(tier)).remaining, 0, "surplus");
        assertEq(channels.earned(provider) + channels.earned(second), 16 * DOLLAR, "paid to providers");
    }

    function test_expire_givesWhatIsUnusedToTheSurplus() public {
        uint256 id = _buy();
        _use(id, provider, 10 * DOLLAR, 4 * DOLLAR);
        vm.expectRevert(abi.encodeWithSelector(Passes.PassNotOver.selector, id, block.timestamp + PERIOD));
        passes.expire(id);
        vm.warp(block.timestamp + PERIOD + 5);
        vm.expectEmit();
        emit Passes.PassEnded(id, stranger, uint40(block.timestamp - 5));
        vm.prank(stranger);
        passes.expire(id);
        vm.prank(holder);
        vm.expectRevert(
            abi.encodeWithSelector(Passes.PassNotActive.selector, id, block.timestamp - 5, block.timestamp - 5)
        );
        passes.cancel(id);
        _wind(id);
        assertEq(passes.owed(holder), 0, "no time is left");
        assertEq(passes.owed(address(splitter)), FEE, "fee");
        assertEq(passes.surplusOf(tier, passes.periodOf(tier)).remaining, 15 * DOLLAR, "surplus");
        assertEq(passes.refundable(id), 0, "nothing more");
    }

    function test_settle_wantsAnEndedPass() public {
        uint256 id = _buy();
        vm.expectRevert(abi.encodeWithSelector(Passes.PassNotEnding.selector, id));
        passes.settle(id);
        vm.expectRevert(abi.encodeWithSelector(Passes.PassNotEnding.selector, 9));
        passes.settle(9);
        assertEq(passes.refundable(9), 0, "of none");
    }

    function test_withdraw_isOnesOwnAndForwardIsForTwo() public {
        vm.expectRevert(PassLedger.ZeroAmount.selector);
        passes.withdraw(stranger);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.InvalidRecipient.selector, address(0)));
        passes.withdraw(address(0));
        vm.expectRevert(abi.encodeWithSelector(PassLedger.InvalidRecipient.selector, address(passes)));
        passes.withdraw(address(passes));
        vm.expectRevert(abi.encodeWithSelector(PassLedger.InvalidRecipient.selector, holder));
        passes.forward(holder);
        vm.expectRevert(PassLedger.ZeroAmount.selector);
        passes.forward(address(insurance));
    }

    /* PASSING ON */

    function test_transfer_clearsWhoMayUseIt() public {
        uint256 id = _buy();
        vm.prank(holder);
        passes.safeTransferFrom(holder, second, id, 1, "");
        Pass memory pass = passes.passOf(id);
        assertEq(pass.holder, second, "holder");
        assertEq(pass.operator, address(0), "operator");
        assertEq(pass.signer, address(0), "signer");
        vm.prank(holder);
        vm.expectRevert(abi.encodeWithSelector(Passes.NotHolder.selector, id, holder));
        passes.cancel(id);
        vm.prank(second);
        passes.cancel(id);
        passes.settle(id);
        assertEq(passes.owed(second), PRICE, "the refund goes with the pass");
    }

    function test_transfer_wantsAnActivePassWithNothingInChannels() public {
        uint256 id = _buy();
        vm.startPrank(holder);
        vm.expectRevert(abi.encodeWithSelector(Passes.NotOnePass.selector, 0));
        passes.safeTransferFrom(holder, second, id, 0, "");
        vm.stopPrank();
        vm.prank(stranger);
        vm.expectRevert(ERC1155.NotOwnerNorApproved.selector);
        passes.safeTransferFrom(holder, stranger, id, 1, "");
        _use(id, provider, 1, 0);
        vm.startPrank(holder);
        vm.expectRevert(abi.encodeWithSelector(Passes.ChannelsOpen.selector, id, 1));
        passes.safeTransferFrom(holder, second, id, 1, "");
        uint256[] memory ids = new uint256[](2);
        uint256[] memory amounts = new uint256[](2);
        (ids[0], ids[1], amounts[0], amounts[1]) = (id, id, 1, 1);
        vm.expectRevert();
        passes.safeBatchTransferFrom(holder, second, ids, amounts, "");
        passes.cancel(id);
        vm.expectRevert(
            abi.encodeWithSelector(Passes.PassNotActive.selector, id, block.timestamp + PERIOD, block.timestamp)
        );
        passes.safeTransferFrom(holder, second, id, 1, "");
    }

    function test_passesOf_listsEachOnceForWhoHoldsIt() public {
        uint256 first = _buy();
        uint256 other = _buy();
        _list(holder, first, other, 2);
        vm.startPrank(holder);
        passes.safeTransferFrom(holder, second, first, 1, "");
        vm.stopPrank();
        _list(holder, other, 0, 2);
        _list(second, first, 0, 1);
        vm.prank(second);
        passes.safeTransferFrom(second, holder, first, 1, "");
        _list(holder, other, first, 3);
        (uint256[] memory page, uint256 received) = passes.passesOf(holder, 2, 5);
        assertEq(page.length, 1, "a page");
        assertEq(received, 3, "of three");
        (page,) = passes.passesOf(holder, 3, 5);
        assertEq(page.length, 0, "past the end");
    }

    function _list(address who, uint256 a, uint256 b, uint256 everReceived) internal view {
        (uint256[] memory held, uint256 received) = passes.passesOf(who, 0, 10);
        assertEq(received, everReceived, "received");
        assertEq(held.length, b == 0 ? 1 : 2, "held");
        assertEq(held[0], a, "first");
        if (b != 0) assertEq(held[1], b, "second");
    }

    function test_pass_canBeAContractWalletsButNotALostOne() public {
        ContractWallet wallet = new ContractWallet();
        uint256 id = _buy();
        vm.startPrank(holder);
        passes.safeTransferFrom(holder, address(wallet), id, 1, "");
        assertEq(passes.passOf(id).holder, address(wallet), "a wallet that takes it");
        id = passes.buy(tier, gateway, signer, PRICE);
        vm.expectRevert();
        passes.safeTransferFrom(holder, address(channels), id, 1, "");
        vm.expectRevert();
        passes.safeTransferFrom(holder, address(passes), id, 1, "");
    }
}
