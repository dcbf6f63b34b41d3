// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {StakeVault} from "../StakeVault.sol";
import "../types/Dispute.sol";
import {ValidatorSet} from "../ValidatorSet.sol";
import {MemberRank} from "./MemberRank.sol";

/// @title Court
/// @notice The part of a dispute in which no money moves: drawing a jury, commitments, reveals, the tally.
///
/// ```
///   targetBlock t mined     drawJury, by anyone: the k of lowest rank (MemberRank) for the dispute's id, with
///                           beacon = keccak256(blockhash(t), id, round); missed for 256 blocks: armed anew
///   until commitDeadline    commit, by each juror
///   until revealDeadline    reveal, by those who committed
///   then                    resolve, by anyone
/// ```
///
/// Commitments end early once every juror has committed, reveals once every juror has revealed.
abstract contract Court {
    /* IMMUTABLES */

    StakeVault public immutable STAKE_VAULT;
    ValidatorSet public immutable VALIDATORS;

    uint256 public immutable JURY;
    uint256 public immutable APPEAL_JURY;
    uint256 public immutable MIN_JURY;
    uint256 public immutable MIN_TOKENS;
    uint40 public immutable COMMIT_SECONDS;
    uint40 public immutable REVEAL_SECONDS;
    uint40 public immutable APPEAL_SECONDS;

    /* STORAGE */

    mapping(bytes32 id => Dispute) internal disputes;
    mapping(bytes32 id => mapping(uint256 round => address[])) internal juries;
    mapping(bytes32 id => mapping(uint256 round => mapping(address juror => Vote))) internal votes;

    /* EVENTS */

    event JuryDrawn(
        bytes32 indexed id, uint8 indexed round, address[] jurors, uint40 commitDeadline, uint40 revealDeadline
    );
    event JuryRearmed(bytes32 indexed id, uint8 indexed round, uint64 targetBlock, uint32 rearms);
    /// @notice Too few members could be drawn.
    event JuryMissing(bytes32 indexed id, uint8 indexed round, uint256 found);
    event Committed(bytes32 indexed id, uint8 indexed round, address indexed juror);
    /// @notice Everybody has committed, so that reveals are taken at once.
    event RevealsOpened(bytes32 indexed id, uint8 indexed round, uint40 revealDeadline);
    event Revealed(
        bytes32 indexed id,
        uint8 indexed round,
        address indexed juror,
        uint8 verdict,
        uint32 tokens,
        uint32 mismatches,
        uint64 marginMicros
    );
    event Resolved(bytes32 indexed id, uint8 indexed round, uint8 outcome, uint40 finalAt);

    /* ERRORS */

    error WrongPhase(bytes32 id, uint8 phase, uint8 needed);
    error BeaconTooEarly(uint64 targetBlock, uint256 blockNumber);
    error NotJuror(bytes32 id, uint8 round, address caller);
    error ZeroCommitment();
    error AlreadyCommitted(bytes32 id, address juror);
    error NotCommitted(bytes32 id, address juror);
    error AlreadyRevealed(bytes32 id, address juror);
    error CommitOver(bytes32 id, uint40 deadline);
    error RevealTooEarly(bytes32 id, uint40 fromTime);
    error RevealOver(bytes32 id, uint40 deadline);
    error CommitmentMismatch(bytes32 id, address juror);
    error UnknownVerdict(uint8 verdict);
    error ResolveTooEarly(bytes32 id, uint40 fromTime);
    error JurySizes(uint256 min, uint256 jury, uint256 appealJury);
    error ZeroDuration();

    /* CONSTRUCTOR */

    constructor(StakeVault vault, ValidatorSet validators, DisputeTerms memory terms) {
        // Two is the least at which nobody convicts alone.
        if (terms.minJury < 2 || terms.jury < terms.minJury || terms.appealJury <= terms.jury) {
            revert JurySizes(terms.minJury, terms.jury, terms.appealJury);
        }
        if (terms.commitSeconds == 0 || terms.revealSeconds == 0 || terms.appealSeconds == 0) revert ZeroDuration();
        STAKE_VAULT = vault;
        VALIDATORS = validators;
        JURY = terms.jury;
        APPEAL_JURY = terms.appealJury;
        MIN_JURY = terms.minJury;
        MIN_TOKENS = terms.minTokens;
        COMMIT_SECONDS = terms.commitSeconds;
        REVEAL_SECONDS = terms.revealSeconds;
        APPEAL_SECONDS = terms.appealSeconds;
    }

    /* DRAWING */

    /// @notice Draws the jury of the present round, or arms the draw anew if the block's hash is out of reach. Anyone
    /// may call it once the target block is mined. Each juror's stake is locked until the end.
    /// @return drawn Lowest rank first; empty if the draw was armed anew, or if too few can be drawn, which ends the
    /// round.
    function drawJury(bytes32 id) external returns (address[] memory drawn) {
        Dispute storage dispute = _in(id, PHASE_DRAWING);
        uint64 targetBlock = dispute.targetBlock;
        if (block.number <= targetBlock) revert BeaconTooEarly(targetBlock, block.number);
        bytes32 blockHash = blockhash(targetBlock);
        if (blockHash == 0) {
            targetBlock = uint64(block.number) + 1;
            dispute.targetBlock = targetBlock;
            emit JuryRearmed(id, dispute.round, targetBlock, ++dispute.rearms);
            return drawn;
        }
        uint8 round = dispute.round;
        drawn = _draw(id, dispute, keccak256(abi.encode(blockHash, id, round)));
        if (drawn.length < MIN_JURY) {
            emit JuryMissing(id, round, drawn.length);
            if (round == 1) dispute.outcome = OUTCOME_TIMEOUT;
            else dispute.appealVoid = true;
            dispute.phase = PHASE_TALLIED;
            dispute.finalAt = uint40(block.timestamp);
            emit Resolved(id, round, dispute.outcome, dispute.finalAt);
            return new address[](0);
        }
        for (uint256 i; i < drawn.length; ++i) {
            STAKE_VAULT.lock(drawn[i]);
        }
        juries[id][round] = drawn;
        dispute.phase = PHASE_VOTING;
        dispute.commitDeadline = uint40(block.timestamp) + COMMIT_SECONDS;
        dispute.revealDeadline = dispute.commitDeadline + REVEAL_SECONDS;
        emit JuryDrawn(id, round, drawn, dispute.commitDeadline, dispute.revealDeadline);
    }

    /* VOTING */

    /// @notice The commitment of `juror` to a ballot.
    function commitmentOf(bytes32 id, uint8 round, address juror, Ballot calldata ballot)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(id, round, juror, ballot));
    }

    /// @notice Commits the calling juror to a ballot, once per round.
    /// @dev Warning: keep the ballot before sending this; without it the vote cannot be revealed.
    function commit(bytes32 id, bytes32 commitment) external {
        (Dispute storage dispute, Vote storage vote) = _juror(id);
        if (block.timestamp >= dispute.commitDeadline) revert CommitOver(id, dispute.commitDeadline);
        if (commitment == 0) revert ZeroCommitment();
        if (vote.commitment != 0) revert AlreadyCommitted(id, msg.sender);
        vote.commitment = commitment;
        uint8 round = dispute.round;
        emit Committed(id, round, msg.sender);
        if (++dispute.commits == juries[id][round].length) {
            dispute.commitDeadline = uint40(block.timestamp);
            dispute.revealDeadline = uint40(block.timestamp) + REVEAL_SECONDS;
            emit RevealsOpened(id, round, dispute.revealDeadline);
        }
    }

    /// @notice Reveals the calling juror's ballot, once per round.
    function reveal(bytes32 id, Ballot calldata ballot) external {
        (Dispute storage dispute, Vote storage vote) = _juror(id);
        if (block.timestamp < dispute.commitDeadline) revert RevealTooEarly(id, dispute.commitDeadline);
        if (block.timestamp >= dispute.revealDeadline) revert RevealOver(id, dispute.revealDeadline);
        if (vote.commitment == 0) revert NotCommitted(id, msg.sender);
        if (vote.verdict != 0) revert AlreadyRevealed(id, msg.sender);
        if (ballot.verdict < OUTCOME_PASS || ballot.verdict > OUTCOME_FAIL) revert UnknownVerdict(ballot.verdict);
        uint8 round = dispute.round;
        if (commitmentOf(id, round, msg.sender, ballot) != vote.commitment) revert CommitmentMismatch(id, msg.sender);
        vote.verdict = ballot.verdict;
        vote.tokens = ballot.tokens;
        ++dispute.reveals;
        emit Revealed(id, round, msg.sender, ballot.verdict, ballot.tokens, ballot.mismatches, ballot.marginMicros);
    }

    /// @notice Tallies the present round, once its reveals are over or complete. Anyone may.
    ///
    /// `fail` if more than half of the jury revealed it, each on enough tokens; `pass` if more than half revealed that;
    /// no outcome (timeout) if not more than half revealed anything; else inconclusive.
    function resolve(bytes32 id) external returns (uint8 outcome) {
        Dispute storage dispute = _in(id, PHASE_VOTING);
        uint8 round = dispute.round;
        address[] storage jurors = juries[id][round];
        if (dispute.reveals < jurors.length && block.timestamp < dispute.revealDeadline) {
            revert ResolveTooEarly(id, dispute.revealDeadline);
        }
        outcome = _tally(id, round, jurors, dispute.reveals);
        dispute.outcome = outcome;
        dispute.phase = PHASE_TALLIED;
        dispute.finalAt = uint40(block.timestamp) + (round == 1 ? APPEAL_SECONDS : 0);
        emit Resolved(id, round, outcome, dispute.finalAt);
    }

    /* VIEWS */

    function disputeOf(bytes32 id) external view returns (Dispute memory) {
        return disputes[id];
    }

    /// @notice The jurors of a round, lowest rank first; empty before its draw.
    function juryOf(bytes32 id, uint8 round) external view returns (address[] memory) {
        return juries[id][round];
    }

    function voteOf(bytes32 id, uint8 round, address juror) external view returns (Vote memory) {
        return votes[id][round][juror];
    }

    /* INTERNAL */

    function _in(bytes32 id, uint8 phase) internal view returns (Dispute storage found) {
        found = disputes[id];
        if (found.phase != phase) revert WrongPhase(id, found.phase, phase);
    }

    function _juror(bytes32 id) internal view returns (Dispute storage found, Vote storage vote) {
        found = _in(id, PHASE_VOTING);
        if (!_isJuror(id, found.round, msg.sender)) revert NotJuror(id, found.round, msg.sender);
        vote = votes[id][found.round][msg.sender];
    }

    function _isJuror(bytes32 id, uint256 round, address who) internal view returns (bool) {
        address[] storage jurors = juries[id][round];
        for (uint256 i; i < jurors.length; ++i) {
            if (jurors[i] == who) return true;
        }
        return false;
    }

    function _tally(bytes32 id, uint8 round, address[] storage jurors, uint256 reveals) internal view returns (uint8) {
        uint256 size = jurors.length;
        uint256 pass;
        uint256 fail;
        for (uint256 i; i < size; ++i) {
            Vote storage vote = votes[id][round][jurors[i]];
            if (vote.verdict == OUTCOME_PASS) ++pass;
            else if (vote.verdict == OUTCOME_FAIL && vote.tokens >= MIN_TOKENS) ++fail;
        }
        if (2 * fail > size) return OUTCOME_FAIL;
        if (2 * pass > size) return OUTCOME_PASS;
        return 2 * reveals > size ? OUTCOME_INCONCLUSIVE : OUTCOME_TIMEOUT;
    }

    /// @dev The lowest-ranked of those who may judge. In an appeal everybody who sat in the first round ranks behind
    /// everybody who did not.
    function _draw(bytes32 id, Dispute storage about, bytes32 beacon) internal view returns (address[] memory drawn) {
        address[] memory members = VALIDATORS.eligible(about.classId, about.targetBlock);
        uint256[] memory ranks = new uint256[](members.length);
        uint256 candidates;
        bool appeal = about.round == 2;
        for (uint256 i; i < members.length; ++i) {
            address member = members[i];
            if (_isParty(about, member)) continue;
            uint256 rank = MemberRank.rankOf(beacon, id, member) >> 1;
            if (appeal && _isJuror(id, 1, member)) rank |= 1 << 255;
            ranks[candidates] = rank;
            members[candidates++] = member;
        }
        uint256 size = appeal ? APPEAL_JURY : JURY;
        if (size > candidates) size = candidates;
        drawn = new address[](size);
        for (uint256 place; place < size; ++place) {
            uint256 lowest = place;
            for (uint256 i = place + 1; i < candidates; ++i) {
                if (ranks[i] < ranks[lowest]) lowest = i;
            }
            drawn[place] = members[lowest];
            (ranks[lowest], members[lowest]) = (ranks[place], members[place]);
        }
    }

    function _isParty(Dispute storage about, address who) internal view returns (bool) {
        return who == about.challenger || who == about.accused || who == about.buyer || who == about.appellant;
    }
}
