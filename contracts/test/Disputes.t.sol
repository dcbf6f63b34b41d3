// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig} from "../src/Channels.sol";
import {Court} from "../src/disputes/Court.sol";
import {DisputeModules, Disputes} from "../src/disputes/Disputes.sol";
import {Receipt} from "../src/ReceiptLog.sol";
import {StakeVault} from "../src/StakeVault.sol";
import "../src/types/Dispute.sol";
import {DisputesFixture} from "./support/DisputesFixture.sol";
import {vm} from "./support/Vm.sol";

contract DisputesTest is DisputesFixture {
    /* OPENING */

    function test_constructor_isMadeWhereTheVaultExpectsIt() public {
        vm.expectRevert(abi.encodeWithSelector(Disputes.NotTheVaultsDisputes.selector, address(disputes)));
        new Disputes(DisputeModules(channels, log, vault, set), terms());
    }

    function test_open_takesTheBondAndLocksTheStake() public {
        bytes32 id = _open();
        Dispute memory dispute = disputes.disputeOf(id);
        assertEq(dispute.accused, provider, "accused");
        assertEq(dispute.challenger, challenger, "challenger");
        assertEq(dispute.buyer, buyer, "buyer");
        assertEq(dispute.targetBlock, 1_011, "target");
        assertEq(dispute.phase, PHASE_DRAWING, "phase");
        assertEq(vault.stakeOf(provider).locks, 1, "locked");
        assertEq(token.balanceOf(address(disputes)), 5 * DOLLAR, "bond");
        assertEq(disputes.lastDispute(log.receiptDigest(_receipt(1))), id, "found by its receipt");
    }

    function test_open_refusesWhatTheProviderDidNotSign() public {
        Receipt memory receipt = _receipt(1);
        bytes memory signature = _sign(receipt);
        receipt.cost = 2;
        vm.prank(challenger);
        // Any signature recovers to some key; it is nobody's.
        (bool opened,) = address(disputes).call(abi.encodeCall(Disputes.open, (receipt, signature, _config())));
        assertTrue(!opened, "an altered receipt");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0xBAD, log.receiptDigest(receipt));
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(Disputes.NotSignedByProvider.selector, provider, vm.addr(0xBAD)));
        disputes.open(receipt, abi.encodePacked(r, s, v), _config());
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(Disputes.NotSignedByProvider.selector, provider, address(0)));
        disputes.open(receipt, abi.encodePacked(r, s), _config());
        receipt.provider = stranger;
        _refuses(
            abi.encodeWithSelector(Disputes.NotSignedByProvider.selector, stranger, vm.addr(KEY)), challenger, receipt
        );
        assertEq(vault.stakeOf(provider).locks, 0, "nothing was locked");
    }

    function test_open_refusesAnotherChannelOldReceiptsAndAnEmptyStake() public {
        Receipt memory receipt = _receipt(1);
        receipt.channelId = keccak256("another");
        _refuses(
            abi.encodeWithSelector(Disputes.WrongChannel.selector, keccak256("another"), channels.channelId(_config())),
            challenger,
            receipt
        );
        receipt = _receipt(2);
        vm.warp(block.timestamp + WINDOW);
        _openAs(challenger, receipt);
        receipt.requestId = bytes32(uint256(3));
        vm.warp(block.timestamp + 1);
        _refuses(
            abi.encodeWithSelector(Disputes.OutsideWindow.selector, receipt.finishedAt / 1000, uint256(WINDOW)),
            challenger,
            receipt
        );
        vm.prank(stranger);
        registry.register(1, vm.addr(7), hex"07", "");
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(Disputes.NothingAtStake.selector, stranger));
        disputes.openRecord(stranger, CLASS, 1);
    }

    function test_open_onceAtATimeAndNeverAfterAVerdict() public {
        bytes32 id = _open();
        _refuses(abi.encodeWithSelector(Disputes.AlreadyJudged.selector, id, PHASE_DRAWING, 0), stranger, _receipt(1));
        Receipt memory receipt = _receipt(1);
        _vote(id, _draw(id), _verdicts(2, 2, 2));
        _toEnd(id);
        // Nobody is safe from being judged because it was tried without evidence before.
        bytes32 again = _openAs(stranger, receipt);
        assertTrue(again != id, "another dispute");
        _vote(again, _draw(again), _verdicts(1, 1, 1));
        _toEnd(again);
        _refuses(
            abi.encodeWithSelector(Disputes.AlreadyJudged.selector, again, PHASE_CLOSED, OUTCOME_PASS),
            stranger,
            receipt
        );
    }

    function test_open_wantsEnoughJurors() public {
        Receipt memory receipt = _receipt(1);
        receipt.classId = keccak256("unknown class");
        _refuses(abi.encodeWithSelector(Disputes.TooFewJurors.selector, 0, 2), challenger, receipt);
    }

    function test_openRecord_asksAboutVerdictsUpToAPastBlock() public {
        vm.startPrank(challenger);
        vm.expectRevert(abi.encodeWithSelector(Disputes.FutureBlock.selector, block.number));
        disputes.openRecord(provider, CLASS, uint64(block.number));
        bytes32 id = disputes.openRecord(provider, CLASS, 1_009);
        vm.expectRevert(abi.encodeWithSelector(Disputes.AlreadyJudged.selector, id, PHASE_DRAWING, 0));
        disputes.openRecord(provider, CLASS, 1_009);
        vm.stopPrank();
        _vote(id, _draw(id), _verdicts(3, 3, 3));
        _toEnd(id);
        assertEq(vault.claimable(buyer), 0, "nobody bought a record");
        assertEq(vault.claimable(challenger), STAKE / 4, "reporter");
        assertEq(vault.stakeOf(provider).amount, 0, "stake");
    }

    function test_submitEvidence_whileJurorsCanStillUseIt() public {
        bytes32 id = _open();
        vm.expectEmit();
        emit Disputes.EvidenceSubmitted(id, 1, address(this), hex"1234");
        disputes.submitEvidence(id, hex"1234");
        _draw(id);
        bytes memory largest = new bytes(48 * 1024);
        disputes.submitEvidence(id, largest);
        vm.expectRevert(abi.encodeWithSelector(Disputes.EvidenceTooLong.selector, 48 * 1024 + 1, 48 * 1024));
        disputes.submitEvidence(id, new bytes(48 * 1024 + 1));
        uint40 deadline = disputes.disputeOf(id).commitDeadline;
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(Disputes.EvidenceOver.selector, id, deadline));
        disputes.submitEvidence(id, hex"12");
        vm.expectRevert(abi.encodeWithSelector(Court.WrongPhase.selector, bytes32(0), PHASE_NONE, PHASE_VOTING));
        disputes.submitEvidence(0, hex"12");
    }

    /* DRAWING */

    function test_drawJury_isThatOfTheBeacon() public {
        bytes32 id = _open();
        vm.expectRevert(abi.encodeWithSelector(Court.BeaconTooEarly.selector, 1_011, 1_010));
        disputes.drawJury(id);
        vm.roll(1_012);
        vm.setBlockhash(1_011, keccak256("hash"));
        address[] memory jurors = disputes.drawJury(id);
        bytes32 beacon = keccak256(abi.encode(keccak256("hash"), id, uint8(1)));
        assertEq(jurors.length, 3, "three");
        for (uint256 i; i < VALIDATORS; ++i) {
            bytes32 rank = keccak256(abi.encodePacked(beacon, id, validator(i)));
            uint256 better;
            for (uint256 j; j < VALIDATORS; ++j) {
                if (keccak256(abi.encodePacked(beacon, id, validator(j))) < rank) ++better;
            }
            if (better < 3) assertEq(jurors[better], validator(i), "in order of rank");
        }
        for (uint256 i; i < 3; ++i) {
            assertEq(vault.stakeOf(jurors[i]).locks, 1, "a juror's stake stays");
        }
        vm.expectRevert(abi.encodeWithSelector(Court.WrongPhase.selector, id, PHASE_VOTING, PHASE_DRAWING));
        disputes.drawJury(id);
    }

    function test_drawJury_armsAnewWhatWasMissed() public {
        bytes32 id = _open();
        vm.roll(1_011 + 257);
        vm.expectEmit();
        emit Court.JuryRearmed(id, 1, 1_269, 1);
        assertEq(disputes.drawJury(id).length, 0, "nobody");
        assertEq(_draw(id).length, 3, "later");
    }

    function test_drawJury_takesNoParty() public {
        for (uint256 i; i < 30; ++i) {
            bytes32 id = _openAs(validator(0), _receipt(i));
            vm.roll(block.number + 2);
            vm.setBlockhash(block.number - 1, keccak256(abi.encode(i)));
            address[] memory jurors = disputes.drawJury(id);
            for (uint256 j; j < 3; ++j) {
                assertTrue(jurors[j] != validator(0), "the challenger judged");
            }
        }
    }

    function test_drawJury_endsARoundWithoutEnoughJurors() public {
        bytes32 id = _open();
        for (uint256 i; i < VALIDATORS - 1; ++i) {
            vm.prank(validator(i));
            vault.requestUnbond(1, 12 * DOLLAR);
        }
        assertEq(_draw(id).length, 0, "nobody");
        assertEq(disputes.disputeOf(id).outcome, OUTCOME_TIMEOUT, "timeout");
        disputes.finalise(id);
        assertEq(disputes.claimable(challenger), 5 * DOLLAR, "bond returned");
        assertEq(vault.stakeOf(provider).locks, 0, "unlocked");
    }

    /// @dev However long the list is, a dispute is opened and its jury drawn within a block that others use too.
    function test_drawJury_staysWithinABlockWhenTheSetIsFull() public {
        for (uint256 i = VALIDATORS; i < set.MAX_MEMBERS(); ++i) {
            _addValidator(validator(i));
        }
        vm.roll(block.number + 1);
        bytes32 id = _open();
        assertLe(vm.lastCallGas().gasTotalUsed, 5_000_000, "gas to open");
        vm.roll(disputes.disputeOf(id).targetBlock + 1);
        address[] memory jurors = disputes.drawJury(id);
        assertLe(vm.lastCallGas().gasTotalUsed, 5_000_000, "gas to draw");
        _vote(id, jurors, _verdicts(1, 1, 1));
        vm.prank(stranger);
        disputes.appeal(id);
        vm.roll(disputes.disputeOf(id).targetBlock + 1);
        jurors = disputes.drawJury(id);
        assertLe(vm.lastCallGas().gasTotalUsed, 5_000_000, "gas to draw again");
        assertEq(jurors.length, 7, "jurors");
    }

    /* VOTING */

    function test_commit_onlyDrawnJurorsOnceAndInTime() public {
        bytes32 id = _open();
        address[] memory jurors = _draw(id);
        bytes32 hash = keccak256("commitment");
        vm.expectRevert(abi.encodeWithSelector(Court.NotJuror.selector, id, 1, address(this)));
        disputes.commit(id, hash);
        vm.startPrank(jurors[0]);
        vm.expectRevert(Court.ZeroCommitment.selector);
        disputes.commit(id, 0);
        disputes.commit(id, hash);
        vm.expectRevert(abi.encodeWithSelector(Court.AlreadyCommitted.selector, id, jurors[0]));
        disputes.commit(id, keccak256("another"));
        vm.stopPrank();
        uint40 deadline = disputes.disputeOf(id).commitDeadline;
        vm.warp(deadline);
        vm.prank(jurors[1]);
        vm.expectRevert(abi.encodeWithSelector(Court.CommitOver.selector, id, deadline));
        disputes.commit(id, hash);
        assertEq(disputes.disputeOf(id).commits, 1, "commits");
    }

    function test_reveal_onlyWhatWasCommittedAndInTime() public {
        bytes32 id = _open();
        address[] memory jurors = _draw(id);
        _commit(id, jurors[0], OUTCOME_FAIL);
        Dispute memory dispute = disputes.disputeOf(id);
        vm.startPrank(jurors[0]);
        vm.expectRevert(abi.encodeWithSelector(Court.RevealTooEarly.selector, id, dispute.commitDeadline));
        disputes.reveal(id, _ballot(OUTCOME_FAIL));
        vm.warp(dispute.commitDeadline);
        vm.expectRevert(abi.encodeWithSelector(Court.CommitmentMismatch.selector, id, jurors[0]));
        disputes.reveal(id, _ballot(OUTCOME_PASS));
        vm.expectRevert(abi.encodeWithSelector(Court.UnknownVerdict.selector, 4));
        disputes.reveal(id, _ballot(4));
        disputes.reveal(id, _ballot(OUTCOME_FAIL));
        vm.expectRevert(abi.encodeWithSelector(Court.AlreadyRevealed.selector, id, jurors[0]));
        disputes.reveal(id, _ballot(OUTCOME_FAIL));
        vm.stopPrank();
        vm.prank(jurors[1]);
        vm.expectRevert(abi.encodeWithSelector(Court.NotCommitted.selector, id, jurors[1]));
        disputes.reveal(id, _ballot(OUTCOME_FAIL));
        vm.expectRevert(abi.encodeWithSelector(Court.NotJuror.selector, id, 1, address(this)));
        disputes.reveal(id, _ballot(OUTCOME_FAIL));
        vm.expectRevert(abi.encodeWithSelector(Court.ResolveTooEarly.selector, id, dispute.revealDeadline));
        disputes.resolve(id);
        vm.warp(dispute.revealDeadline);
        vm.prank(jurors[0]);
        vm.expectRevert(abi.encodeWithSelector(Court.RevealOver.selector, id, dispute.revealDeadline));
        disputes.reveal(id, _ballot(OUTCOME_FAIL));
        assertEq(disputes.resolve(id), OUTCOME_TIMEOUT, "one of three is no quorum");
    }

    /// @dev A copied commitment is worth nothing: the juror is in the hash.
    function test_reveal_refusesAnothersCommitment() public {
        bytes32 id = _open();
        address[] memory jurors = _draw(id);
        bytes32 copied = disputes.commitmentOf(id, 1, jurors[0], _ballot(OUTCOME_FAIL));
        vm.prank(jurors[1]);
        disputes.commit(id, copied);
        vm.warp(disputes.disputeOf(id).commitDeadline);
        vm.prank(jurors[1]);
        vm.expectRevert(abi.encodeWithSelector(Court.CommitmentMismatch.selector, id, jurors[1]));
        disputes.reveal(id, _ballot(OUTCOME_FAIL));
    }

    function test_resolve_wantsAMajorityOfTheJuryOnEnoughTokens() public {
        uint8[4][8] memory cases = [
            [3, 3, 1, OUTCOME_FAIL],
            [3, 3, 0, OUTCOME_FAIL],
            [1, 1, 3, OUTCOME_PASS],
            [3, 1, 2, OUTCOME_INCONCLUSIVE],
            [3, 2, 2, OUTCOME_INCONCLUSIVE],
            [3, 1, 0, OUTCOME_INCONCLUSIVE],
            [3, 0, 0, OUTCOME_TIMEOUT],
            [0, 0, 0, OUTCOME_TIMEOUT]
        ];
        for (uint256 i; i < cases.length; ++i) {
            bytes32 id = _openAs(challenger, _receipt(i));
            assertEq(
                _vote(id, _draw(id), _verdicts(cases[i][0], cases[i][1], cases[i][2])), cases[i][3], vm.toString(i)
            );
        }
    }

    function test_resolve_countsNoFailOnTooFewTokens() public {
        bytes32 id = _open();
        address[] memory jurors = _draw(id);
        Ballot memory thin = _ballot(OUTCOME_FAIL);
        thin.tokens = 7;
        for (uint256 i; i < 3; ++i) {
            bytes32 commitment = disputes.commitmentOf(id, 1, jurors[i], thin);
            vm.prank(jurors[i]);
            disputes.commit(id, commitment);
        }
        for (uint256 i; i < 3; ++i) {
            vm.prank(jurors[i]);
            disputes.reveal(id, thin);
        }
        assertEq(disputes.resolve(id), OUTCOME_INCONCLUSIVE, "too little evidence");
        _toEnd(id);
        assertEq(vault.stakeOf(provider).amount, STAKE, "nobody is slashed");
    }

    /* MONEY */

    function test_finalise_fail_paysBuyerReporterJurorsAndSink() public {
        bytes32 id = _open();
        address[] memory jurors = _draw(id);
        _vote(id, jurors, _verdicts(3, 1, 3));
        uint40 finalAt = disputes.disputeOf(id).finalAt;
        vm.expectRevert(abi.encodeWithSelector(Disputes.FinaliseTooEarly.selector, id, finalAt));
        disputes.finalise(id);
        vm.warp(finalAt);
        disputes.finalise(id);
        assertEq(vault.stakeOf(provider).amount, 0, "all of its stake");
        assertEq(vault.claimable(buyer), DOLLAR, "what the answer cost");
        assertEq(vault.claimable(challenger), STAKE / 4, "a quarter");
        assertEq(vault.claimable(jurors[0]) + vault.claimable(jurors[2]), STAKE / 10, "a tenth for the majority");
        assertEq(vault.claimable(jurors[1]), 0, "nothing for the other");
        assertEq(vault.stakeOf(jurors[1]).amount, 7 * DOLLAR, "which loses stake");
        assertEq(vault.claimable(sink), STAKE - DOLLAR - STAKE / 4 - STAKE / 10 + 5 * DOLLAR, "the rest");
        assertEq(disputes.claimable(challenger), 5 * DOLLAR, "the bond comes back");
        assertEq(vault.stakeOf(provider).locks + vault.stakeOf(jurors[1]).locks, 0, "all is unlocked");
        vm.prank(challenger);
        disputes.withdraw(challenger);
        assertEq(token.balanceOf(challenger), 1_000 * DOLLAR, "withdrawn");
        vm.expectRevert(abi.encodeWithSelector(Court.WrongPhase.selector, id, PHASE_CLOSED, PHASE_TALLIED));
        disputes.finalise(id);
    }

    /// @dev A provider that is about to be caught signs itself a receipt of any cost and has itself slashed.
    function test_finalise_fail_leavesHalfToOthersWhateverTheReceiptSays() public {
        Receipt memory receipt = _receipt(1);
        receipt.cost = type(uint128).max;
        bytes32 id = _openAs(buyer, receipt);
        _vote(id, _draw(id), _verdicts(3, 3, 3));
        _toEnd(id);
        assertEq(vault.claimable(buyer), STAKE / 2, "refund and reward together");
    }

    function test_finalise_pass_costsTheAccuserItsBond() public {
        bytes32 id = _open();
        address[] memory jurors = _draw(id);
        _vote(id, jurors, _verdicts(1, 3, 1));
        _toEnd(id);
        assertEq(vault.stakeOf(provider).amount, STAKE, "the accused loses nothing");
        assertEq(disputes.claimable(provider), 5 * DOLLAR / 2, "half of the bond");
        assertEq(disputes.claimable(jurors[0]), 5 * DOLLAR / 4, "jurors share the rest");
        assertEq(disputes.claimable(challenger), 0, "the accuser has nothing left");
        assertEq(vault.stakeOf(jurors[1]).amount, 7 * DOLLAR, "who convicted the innocent loses stake");
        assertEq(_owedBonds(), token.balanceOf(address(disputes)), "conserved");
    }

    function test_finalise_withoutAVerdictReturnsTheBond() public {
        bytes32 id = _open();
        address[] memory jurors = _draw(id);
        _vote(id, jurors, _verdicts(2, 2, 0));
        _toEnd(id);
        assertEq(disputes.claimable(challenger), 5 * DOLLAR, "bond");
        assertEq(vault.stakeOf(provider).amount, STAKE, "accused");
        assertEq(vault.stakeOf(jurors[2]).amount, 11 * DOLLAR, "absence has a price");
        assertEq(vault.stakeOf(jurors[0]).amount, 12 * DOLLAR, "doubt has none");
    }

    function test_noUnstakeUnderAnOpenDispute() public {
        bytes32 id = _open();
        address[] memory jurors = _draw(id);
        vm.prank(jurors[0]);
        vault.requestUnbond(1, 12 * DOLLAR);
        vm.prank(provider);
        vault.requestUnbond(1, STAKE);
        vm.warp(block.timestamp + UNBOND);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.StakeLocked.selector, provider, 1));
        vault.finalizeUnbond(provider);
        vm.prank(jurors[0]);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.StakeLocked.selector, jurors[0], 1));
        vault.finalizeUnbond(jurors[0]);
        // Nobody came: anyone ends it, and then stake is free.
        disputes.resolve(id);
        _toEnd(id);
        vm.prank(provider);
        vault.finalizeUnbond(provider);
        assertEq(token.balanceOf(provider), 1_000 * DOLLAR, "all of it");
    }

    /* APPEALS */

    function test_appeal_overturnsAndReturnsItsBond() public {
        bytes32 id = _open();
        address[] memory first = _draw(id);
        _vote(id, first, _verdicts(1, 1, 3));
        vm.prank(stranger);
        disputes.appeal(id);
        address[] memory second = _draw(id);
        assertEq(second.length, 7, "a larger jury");
        for (uint256 i; i < 7; ++i) {
            for (uint256 j; j < 3; ++j) {
                assertTrue(second[i] != first[j], "there are enough others");
            }
        }
        assertEq(_vote(id, second, _verdicts(7, 7, 3, 3)), OUTCOME_FAIL, "outcome");
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Disputes.AlreadyAppealed.selector, id));
        disputes.appeal(id);
        disputes.finalise(id);
        assertEq(disputes.claimable(stranger), 15 * DOLLAR, "appeal bond");
        assertEq(disputes.claimable(challenger), 5 * DOLLAR, "bond");
        assertEq(vault.stakeOf(first[0]).amount, 7 * DOLLAR, "the lazy lose stake");
        assertEq(vault.stakeOf(first[2]).amount, 12 * DOLLAR, "the careful do not");
        assertEq(vault.claimable(first[2]), STAKE / 10 / 8, "and are paid like the second jury");
        assertEq(vault.stakeOf(provider).amount, 0, "the accused too");
    }

    function test_appeal_inVainIsForfeited() public {
        bytes32 id = _open();
        _vote(id, _draw(id), _verdicts(3, 3, 3));
        vm.prank(provider);
        disputes.appeal(id);
        _vote(id, _draw(id), _verdicts(7, 7, 3, 3));
        disputes.finalise(id);
        assertEq(disputes.claimable(provider), 0, "nothing back");
        assertEq(_owedBonds(), 20 * DOLLAR, "conserved");
        assertEq(
            disputes.claimable(challenger), 5 * DOLLAR + 15 * DOLLAR - (15 * DOLLAR / 2 / 10) * 10, "half and the bond"
        );
    }

    function test_appeal_sitsWithFirstJurorsOnlyWhereOthersAreMissing() public {
        for (uint256 i = 5; i < VALIDATORS; ++i) {
            vm.prank(validator(i));
            vault.requestUnbond(1, 12 * DOLLAR);
        }
        bytes32 id = _open();
        address[] memory first = _draw(id);
        _vote(id, first, _verdicts(1, 1, 1));
        vm.prank(stranger);
        disputes.appeal(id);
        address[] memory second = _draw(id);
        assertEq(second.length, 5, "all there are");
        for (uint256 i; i < 2; ++i) {
            assertTrue(second[i] != first[0] && second[i] != first[1] && second[i] != first[2], "new ones first");
        }
    }

    function test_appeal_withoutAJuryLeavesTheVerdict() public {
        bytes32 id = _open();
        _vote(id, _draw(id), _verdicts(3, 3, 3));
        vm.prank(provider);
        disputes.appeal(id);
        for (uint256 i; i < VALIDATORS; ++i) {
            vm.prank(validator(i));
            vault.requestUnbond(1, 12 * DOLLAR);
        }
        _draw(id);
        disputes.finalise(id);
        assertEq(vault.stakeOf(provider).amount, 0, "slashed");
        assertEq(disputes.claimable(provider), 15 * DOLLAR, "nobody judged its appeal");
    }

    function test_appeal_inTimeOnly() public {
        bytes32 id = _open();
        _vote(id, _draw(id), _verdicts(3, 3, 3));
        uint40 finalAt = disputes.disputeOf(id).finalAt;
        vm.warp(finalAt);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(Disputes.AppealOver.selector, id, finalAt));
        disputes.appeal(id);
    }

    /* SALTS */

    function _commitSalt(address who, bytes32 digest) internal {
        vm.prank(who);
        disputes.commitSalt(keccak256(abi.encode(who, digest, SALT)));
        vm.roll(block.number + 1);
    }

    function test_salt_slashesThoseWhoPassedItAndNotTheDecoy() public {
        Receipt memory receipt = _receipt(1);
        _commitSalt(buyer, log.receiptDigest(receipt));
        bytes32 id = _openAs(buyer, receipt);
        address[] memory jurors = _draw(id);
        _vote(id, jurors, _verdicts(3, 3, 1));
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(Disputes.FinaliseTooEarly.selector, id, disputes.disputeOf(id).finalAt));
        disputes.revealSalt(id, SALT);
        vm.warp(disputes.disputeOf(id).finalAt);
        vm.expectRevert(abi.encodeWithSelector(Disputes.FinaliseTooEarly.selector, id, block.timestamp + 10 minutes));
        disputes.finalise(id);
        vm.prank(buyer);
        disputes.revealSalt(id, SALT);
        assertEq(vault.stakeOf(provider).amount, STAKE, "the decoy");
        assertEq(vault.stakeOf(jurors[2]).amount, 7 * DOLLAR, "who passed it");
        assertEq(disputes.claimable(buyer), 5 * DOLLAR, "bond");
    }

    function test_salt_excusesNoRealCheat() public {
        Receipt memory receipt = _receipt(1);
        bytes32 digest = log.receiptDigest(receipt);
        _commitSalt(challenger, digest);
        _commitSalt(provider, digest);
        bytes32 id = _openAs(challenger, receipt);
        _vote(id, _draw(id), _verdicts(3, 3, 3));
        vm.warp(disputes.disputeOf(id).finalAt);
        address[3] memory callers = [challenger, buyer, provider];
        for (uint256 i; i < 3; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(Disputes.NotASalt.selector, id));
            disputes.revealSalt(id, SALT);
        }
        disputes.finalise(id);
        assertEq(vault.stakeOf(provider).amount, 0, "slashed");
    }

    function test_salt_hasToBeCommittedBefore() public {
        Receipt memory receipt = _receipt(1);
        bytes32 id = _openAs(buyer, receipt);
        _commitSalt(buyer, log.receiptDigest(receipt));
        _vote(id, _draw(id), _verdicts(3, 3, 3));
        vm.warp(disputes.disputeOf(id).finalAt);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(Disputes.NotASalt.selector, id));
        disputes.revealSalt(id, SALT);
    }

    function test_punishAttestation_onceForEachThatPassedACheat() public {
        Receipt memory receipt = _receipt(1);
        bytes32 digest = log.receiptDigest(receipt);
        vm.prank(provider);
        log.postRoot(1, digest, 1, 1);
        _attest(validator(0), digest, OUTCOME_PASS);
        _attest(validator(1), digest, OUTCOME_INCONCLUSIVE);
        bytes32 id = _openAs(challenger, receipt);
        _vote(id, _draw(id), _verdicts(3, 3, 3));
        vm.expectRevert(abi.encodeWithSelector(Court.WrongPhase.selector, id, PHASE_TALLIED, PHASE_CLOSED));
        disputes.punishAttestation(id, validator(0));
        _toEnd(id);
        uint256 before = vault.stakeOf(validator(0)).amount;
        disputes.punishAttestation(id, validator(0));
        assertEq(vault.stakeOf(validator(0)).amount, before - 5 * DOLLAR, "slashed");
        assertEq(vault.stakeOf(validator(0)).locks, 0, "unlocked");
        vm.expectRevert(abi.encodeWithSelector(Disputes.AlreadyPunished.selector, validator(0)));
        disputes.punishAttestation(id, validator(0));
        vm.expectRevert(abi.encodeWithSelector(Disputes.DidNotPass.selector, validator(1), digest));
        disputes.punishAttestation(id, validator(1));
    }

    function _attest(address who, bytes32 digest, uint8 verdict) internal {
        vm.prank(who);
        log.attest(provider, 1, digest, new bytes32[](0), _finding(verdict));
    }
}
