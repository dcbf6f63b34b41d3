// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What is fixed for ever when the disputes contract is made. Amounts are units of the token.
/// @param bond What opening costs, until the end.
/// @param appealBond What an appeal costs, until the end.
/// @param jurorSlash What a juror loses that revealed the opposite of the final verdict.
/// @param absenceSlash What a juror loses that did not reveal.
/// @param slashBps Share of its stake that a convicted provider loses, in basis points.
/// @param reporterBps Share of a slash for the challenger.
/// @param jurorBps Share of a slash for the jurors of the final majority, together.
/// @param jury Jurors of the first round.
/// @param appealJury Jurors of an appeal.
/// @param minJury Fewest jurors that may judge.
/// @param minTokens Informative tokens below which a juror's `fail` convicts nobody.
/// @param commitSeconds From the draw to the last commitment.
/// @param revealSeconds From there to the last reveal.
/// @param appealSeconds From the tally to the last appeal.
/// @param saltSeconds How long a challenger that is also the buyer may show, once no appeal is possible any more, that
/// its dispute was a salt.
struct DisputeTerms {
    uint128 bond;
    uint128 appealBond;
    uint128 jurorSlash;
    uint128 absenceSlash;
    uint16 slashBps;
    uint16 reporterBps;
    uint16 jurorBps;
    uint8 jury;
    uint8 appealJury;
    uint8 minJury;
    uint32 minTokens;
    uint32 commitSeconds;
    uint32 revealSeconds;
    uint32 appealSeconds;
    uint32 saltSeconds;
}

/// @notice One dispute.
/// @param accused The provider.
/// @param challenger Who opened it.
/// @param buyer Who paid the answer; zero in a dispute about a record.
/// @param appellant Who appealed; zero if nobody did.
/// @param receiptDigest Zero in a dispute about a record.
/// @param cost What the answer cost.
/// @param targetBlock The block whose hash draws the present round's jury.
/// @param openedBlock The block of the opening.
/// @param commitDeadline Unix second from which no commitment of the present round is taken and reveals are.
/// @param revealDeadline Unix second from which no reveal is taken.
/// @param finalAt Unix second from which no appeal is taken.
/// @param phase One of `PHASE_`.
/// @param round 1, or 2 after an appeal.
/// @param outcome Of the last round that was tallied, one of `OUTCOME_`.
/// @param firstOutcome Of the first round, once there was an appeal.
/// @param appealVoid An appeal for which no jury could be drawn.
/// @param commits Commitments in the present round, and reveals.
struct Dispute {
    address accused;
    uint64 targetBlock;
    uint32 rearms;
    address challenger;
    uint64 openedBlock;
    uint8 phase;
    uint8 round;
    uint8 outcome;
    uint8 firstOutcome;
    address buyer;
    uint40 commitDeadline;
    uint40 revealDeadline;
    uint8 commits;
    uint8 reveals;
    address appellant;
    uint40 finalAt;
    bool appealVoid;
    bool salt;
    bytes32 receiptDigest;
    bytes32 classId;
    uint128 cost;
}

/// @notice What a dispute about a receipt did with the accused's stake, for those who insure or pass on.
/// @param channelId The channel that paid the answer; zero in a dispute about a record.
/// @param refunded What the buyer got of the stake.
/// @param unshared What the stake lost and neither buyer, challenger nor juror got.
struct Settlement {
    bytes32 channelId;
    uint128 refunded;
    uint128 unshared;
}

/// @notice What a juror did in one round.
/// @param commitment Zero until it committed.
/// @param verdict Zero until it revealed, then as in ReceiptLog.
/// @param tokens Informative tokens that the verdict rests on.
struct Vote {
    bytes32 commitment;
    uint8 verdict;
    uint32 tokens;
}

/// @notice What a juror reveals: `Finding` without evidence, and the salt of its commitment.
struct Ballot {
    uint8 verdict;
    uint32 tokens;
    uint32 mismatches;
    uint64 marginMicros;
    bytes32 salt;
}

uint8 constant PHASE_NONE = 0;
/// @dev Opened or appealed: the jury is to be drawn.
uint8 constant PHASE_DRAWING = 1;
uint8 constant PHASE_VOTING = 2;
/// @dev Tallied: can be appealed, and then finalised.
uint8 constant PHASE_TALLIED = 3;
uint8 constant PHASE_CLOSED = 4;

/// @dev Verdicts of jurors and outcomes of rounds; the first three are those of ReceiptLog.
uint8 constant OUTCOME_PASS = 1;
uint8 constant OUTCOME_INCONCLUSIVE = 2;
uint8 constant OUTCOME_FAIL = 3;
/// @dev Too few reveals, or too few jurors.
uint8 constant OUTCOME_TIMEOUT = 4;
