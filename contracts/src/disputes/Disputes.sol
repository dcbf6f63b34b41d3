// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ChannelConfig, Channels} from "../Channels.sol";
import {ProviderRegistry} from "../ProviderRegistry.sol";
import {Receipt, ReceiptLog} from "../ReceiptLog.sol";
import {StakeVault} from "../StakeVault.sol";
import "../types/Dispute.sol";
import {ValidatorSet} from "../ValidatorSet.sol";
import {Court} from "./Court.sol";

/// @notice The contracts that disputes are about.
struct DisputeModules {
    Channels channels;
    ReceiptLog receiptLog;
    StakeVault stakeVault;
    ValidatorSet validators;
}

/// @title Disputes
/// @notice Whoever holds a signed receipt can have its answer judged: a jury of validators that nobody chose scores the
/// transcript again, and a convicted provider loses its stake.
///
/// ```
///   open --> drawing --drawJury--> voting --resolve--> tallied --finalise, revealSalt--> closed
///               ^                                         |
///               +------------------ appeal, once ---------+
/// ```
///
/// Every arrow is open to anyone once its time has come, so that no dispute depends on the good will of a party. No
/// party sends evidence to another: it is published here, sealed to the jurors where the answer is private.
///
/// Nobody owns this contract. Money leaves it by `withdraw` only, and stake is moved by the vault within its own caps.
/// @dev Warning: a jury that colludes decides as it likes, within what an appeal to a larger jury corrects. The proposer
/// of the target block may give up its block for another draw.
contract Disputes is Court {
    using SafeERC20 for IERC20;

    /* CONSTANTS AND IMMUTABLES */

    /// @notice Longest piece of evidence in bytes: calldata of about a million gas.
    uint256 public constant MAX_EVIDENCE_BYTES = 48 * 1024;
    uint256 internal constant BPS = 10_000;

    IERC20 public immutable TOKEN;
    Channels public immutable CHANNELS;
    ReceiptLog public immutable RECEIPT_LOG;
    ProviderRegistry public immutable REGISTRY;

    uint256 public immutable BOND;
    uint256 public immutable APPEAL_BOND;
    uint256 public immutable JUROR_SLASH;
    uint256 public immutable ABSENCE_SLASH;
    uint256 public immutable SLASH_BPS;
    uint256 public immutable REPORTER_BPS;
    uint256 public immutable JUROR_BPS;
    uint40 public immutable SALT_SECONDS;

    /* STORAGE */

    /// @dev The last dispute about a receipt.
    mapping(bytes32 receiptDigest => bytes32 id) internal lastDisputeOf;
    mapping(address account => uint256) internal claimableOf;
    mapping(bytes32 id => Settlement) internal settlements;
    /// @dev The block of a commitment.
    mapping(bytes32 commitment => uint256 blockNumber) internal saltBlock;
    mapping(bytes32 id => mapping(address validator => bool)) internal punished;

    /* EVENTS */

    /// @notice Everything that a juror needs but the transcript.
    event DisputeOpened(
        bytes32 indexed id,
        address indexed accused,
        address indexed challenger,
        bytes32 receiptDigest,
        address buyer,
        uint64 targetBlock,
        Receipt receipt,
        bytes signature
    );
    /// @notice The question is whether the verdicts that were attested until `uptoBlock` convict the provider.
    event RecordDisputeOpened(
        bytes32 indexed id,
        address indexed accused,
        address indexed challenger,
        bytes32 classId,
        uint64 uptoBlock,
        uint64 targetBlock
    );
    event EvidenceSubmitted(bytes32 indexed id, uint8 indexed round, address indexed from, bytes data);
    event Appealed(bytes32 indexed id, address indexed appellant, uint64 targetBlock);
    /// @param slashed What the accused lost.
    event Finalised(bytes32 indexed id, address indexed accused, uint8 outcome, bool salt, uint256 slashed);
    /// @param reason The verdict that the juror revealed against the outcome; 0 if it revealed none.
    event JurorPunished(bytes32 indexed id, address indexed juror, uint8 reason, uint256 amount);
    event AttestationPunished(bytes32 indexed id, address indexed validator, uint256 amount);
    /// @notice A part of a bond that `to` can withdraw.
    event BondPaid(bytes32 indexed id, address indexed to, uint256 amount);
    event SaltCommitted(address indexed salter, bytes32 indexed commitment);
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    /* ERRORS */

    error ZeroAddress();
    error NotTheVaultsDisputes(address disputes);
    error SharesTooHigh(uint256 bps, uint256 max);
    error InvalidRecipient(address to);
    error ZeroAmount();
    error TransferMismatch(uint256 expected, uint256 received);
    error NotSignedByProvider(address provider, address signer);
    error WrongChannel(bytes32 channelId, bytes32 ofConfig);
    error OutsideWindow(uint256 finishedAt, uint256 window);
    error AlreadyJudged(bytes32 id, uint8 phase, uint8 outcome);
    error NothingAtStake(address accused);
    error FutureBlock(uint256 uptoBlock);
    error TooFewJurors(uint256 eligible, uint256 needed);
    error EvidenceTooLong(uint256 length, uint256 max);
    error EvidenceOver(bytes32 id, uint40 deadline);
    error AppealOver(bytes32 id, uint40 deadline);
    error AlreadyAppealed(bytes32 id);
    error FinaliseTooEarly(bytes32 id, uint256 fromTime);
    error NotASalt(bytes32 id);
    error NotConvicted(bytes32 id, uint8 outcome);
    error DidNotPass(address validator, bytes32 receiptDigest);
    error AlreadyPunished(address validator);

    /* CONSTRUCTOR */

    constructor(DisputeModules memory modules, DisputeTerms memory terms)
        Court(modules.stakeVault, modules.validators, terms)
    {
        if (address(modules.channels) == address(0) || address(modules.receiptLog) == address(0)) revert ZeroAddress();
        // The vault was made first, for an address that only this contract can have.
        address expected = modules.stakeVault.DISPUTES();
        if (expected != address(this)) revert NotTheVaultsDisputes(expected);
        if (terms.slashBps == 0 || terms.slashBps > BPS) revert SharesTooHigh(terms.slashBps, BPS);
        uint256 claimants = modules.stakeVault.MAX_CLAIMANTS_BPS();
        if (terms.reporterBps > claimants) revert SharesTooHigh(terms.reporterBps, claimants);
        uint256 jurors = modules.stakeVault.MAX_JURORS_BPS();
        if (terms.jurorBps > jurors) revert SharesTooHigh(terms.jurorBps, jurors);
        if (terms.bond == 0 || terms.appealBond == 0) revert ZeroAmount();
        TOKEN = modules.stakeVault.TOKEN();
        CHANNELS = modules.channels;
        RECEIPT_LOG = modules.receiptLog;
        REGISTRY = modules.receiptLog.REGISTRY();
        BOND = terms.bond;
        APPEAL_BOND = terms.appealBond;
        JUROR_SLASH = terms.jurorSlash;
        ABSENCE_SLASH = terms.absenceSlash;
        SLASH_BPS = terms.slashBps;
        REPORTER_BPS = terms.reporterBps;
        JUROR_BPS = terms.jurorBps;
        SALT_SECONDS = terms.saltSeconds;
    }

    /* OPENING */

    /// @notice Opens a dispute about one answer, with `BOND` of the caller's tokens. The provider's stake is locked.
    ///
    /// The receipt need not be under a root of its provider: what it signed it cannot deny, and withholding an epoch
    /// protects nobody. It may be disputed again only after a dispute without verdict.
    /// @param config Of the receipt's channel: names the buyer to be refunded.
    /// @dev A receipt dated into the future is taken. Its provider dated it, and gains nothing: the stake cannot have
    /// left sooner.
    function open(Receipt calldata receipt, bytes calldata signature, ChannelConfig calldata config)
        external
        returns (bytes32 id)
    {
        address accused = receipt.provider;
        address signer = RECEIPT_LOG.recoverSigner(receipt, signature);
        if (signer == address(0) || REGISTRY.ownerOfReceiptKey(signer) != accused) {
            revert NotSignedByProvider(accused, signer);
        }
        bytes32 channelId = CHANNELS.channelId(config);
        if (channelId != receipt.channelId) revert WrongChannel(receipt.channelId, channelId);
        uint256 finishedAt = receipt.finishedAt / 1000;
        uint256 window = STAKE_VAULT.DISPUTE_WINDOW();
        if (finishedAt + window < block.timestamp) revert OutsideWindow(finishedAt, window);

        bytes32 digest = RECEIPT_LOG.receiptDigest(receipt);
        id = _nextId(digest);
        Dispute storage dispute = _open(id, accused, receipt.classId);
        dispute.buyer = config.payer;
        dispute.receiptDigest = digest;
        dispute.cost = receipt.cost;
        settlements[id].channelId = channelId;
        _announce(id, receipt, signature);
        _pull(BOND);
    }

    /// @notice Opens a dispute about a provider's whole record in a class, with `BOND` of the caller's tokens.
    function openRecord(address accused, bytes32 classId, uint64 uptoBlock) external returns (bytes32 id) {
        if (uptoBlock >= block.number) revert FutureBlock(uptoBlock);
        id = keccak256(abi.encode(accused, classId, uptoBlock));
        if (disputes[id].phase != PHASE_NONE) revert AlreadyJudged(id, disputes[id].phase, disputes[id].outcome);
        Dispute storage dispute = _open(id, accused, classId);
        emit RecordDisputeOpened(id, accused, msg.sender, classId, uptoBlock, dispute.targetBlock);
        _pull(BOND);
    }

    /// @notice Publishes evidence, as an event. Anyone may, from the opening until commitments are over.
    function submitEvidence(bytes32 id, bytes calldata data) external {
        Dispute storage dispute = disputes[id];
        if (dispute.phase != PHASE_DRAWING) _in(id, PHASE_VOTING);
        if (dispute.phase == PHASE_VOTING && block.timestamp >= dispute.commitDeadline) {
            revert EvidenceOver(id, dispute.commitDeadline);
        }
        if (data.length > MAX_EVIDENCE_BYTES) revert EvidenceTooLong(data.length, MAX_EVIDENCE_BYTES);
        emit EvidenceSubmitted(id, dispute.round, msg.sender, data);
    }

    /// @notice Asks a larger jury, with `APPEAL_BOND` of the caller's tokens. Anyone may, once. Its verdict is final.
    function appeal(bytes32 id) external {
        Dispute storage dispute = _in(id, PHASE_TALLIED);
        if (dispute.round != 1) revert AlreadyAppealed(id);
        if (block.timestamp >= dispute.finalAt) revert AppealOver(id, dispute.finalAt);
        dispute.round = 2;
        dispute.phase = PHASE_DRAWING;
        dispute.firstOutcome = dispute.outcome;
        dispute.appellant = msg.sender;
        dispute.targetBlock = uint64(block.number) + 1;
        (dispute.rearms, dispute.commits, dispute.reveals) = (0, 0, 0);
        emit Appealed(id, msg.sender, dispute.targetBlock);
        _pull(APPEAL_BOND);
    }

    /* CLOSING */

    /// @notice Carries out the verdict, once it can no longer be appealed. Anyone may.
    ///
    /// `fail`: the accused is slashed, for the buyer, the challenger, the jurors who said so and the sink. `pass`: the
    /// challenger's bond goes to the accused and the jurors. Jurors who revealed the opposite, and who revealed
    /// nothing, lose stake. Without a verdict bonds are returned. In each case all stakes are unlocked.
    function finalise(bytes32 id) external {
        Dispute storage dispute = _in(id, PHASE_TALLIED);
        bool maybeSalt = dispute.outcome == OUTCOME_FAIL && dispute.challenger == dispute.buyer;
        uint256 fromTime = uint256(dispute.finalAt) + (maybeSalt ? SALT_SECONDS : 0);
        if (block.timestamp < fromTime) revert FinaliseTooEarly(id, fromTime);
        _close(id, dispute, false);
    }

    /// @notice Shows that a convicted answer was a salt: a known cheat by which the caller tested the jurors. The
    /// accused, who lent itself to it, is not slashed, and those who passed it are.
    ///
    /// Only for the challenger that is also the buyer and that committed to the receipt before it opened the dispute:
    /// so nobody can excuse a cheat that another was to pay for. From the end of appeals, for `SALT_SECONDS` before
    /// anyone else can finalise.
    /// @param secret Of `commitSalt`.
    function revealSalt(bytes32 id, bytes32 secret) external {
        Dispute storage dispute = _in(id, PHASE_TALLIED);
        if (dispute.outcome != OUTCOME_FAIL) revert NotConvicted(id, dispute.outcome);
        if (block.timestamp < dispute.finalAt) revert FinaliseTooEarly(id, dispute.finalAt);
        uint256 committed = saltBlock[keccak256(abi.encode(msg.sender, dispute.receiptDigest, secret))];
        if (
            msg.sender != dispute.challenger || msg.sender != dispute.buyer || committed == 0
                || committed >= dispute.openedBlock
        ) revert NotASalt(id);
        _close(id, dispute, true);
    }

    /// @notice Commits the caller to a salt. Its own address is in the hash, so that copying it is of no use.
    /// @param commitment keccak256(abi.encode(caller, receipt digest, secret)).
    function commitSalt(bytes32 commitment) external {
        if (saltBlock[commitment] == 0) saltBlock[commitment] = block.number;
        emit SaltCommitted(msg.sender, commitment);
    }

    /// @notice Takes stake of a validator that attested `pass` for a receipt of which a dispute found `fail`. Once per
    /// validator; anyone may.
    function punishAttestation(bytes32 id, address validator) external {
        Dispute storage dispute = _in(id, PHASE_CLOSED);
        if (dispute.outcome != OUTCOME_FAIL) revert NotConvicted(id, dispute.outcome);
        bytes32 digest = dispute.receiptDigest;
        if (RECEIPT_LOG.verdictOf(validator, dispute.accused, digest) != OUTCOME_PASS) {
            revert DidNotPass(validator, digest);
        }
        if (punished[id][validator]) revert AlreadyPunished(validator);
        punished[id][validator] = true;
        STAKE_VAULT.lock(validator);
        uint256 amount = _slashForSink(validator, JUROR_SLASH);
        STAKE_VAULT.unlock(validator);
        emit AttestationPunished(id, validator, amount);
    }

    /// @notice Sends what bonds credited to the caller to `to`. Shares of slashes are in the vault.
    function withdraw(address to) external returns (uint256 amount) {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(to);
        amount = claimableOf[msg.sender];
        if (amount == 0) revert ZeroAmount();
        claimableOf[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, amount);
        TOKEN.safeTransfer(to, amount);
    }

    /* VIEWS */

    function claimable(address account) external view returns (uint256) {
        return claimableOf[account];
    }

    /// @notice Who got what of the accused's stake, once the dispute is closed.
    function settlementOf(bytes32 id) external view returns (Settlement memory) {
        return settlements[id];
    }

    /// @notice The last dispute about a receipt; zero if there was none.
    function lastDispute(bytes32 receiptDigest) external view returns (bytes32) {
        return lastDisputeOf[receiptDigest];
    }

    /* INTERNAL */

    function _announce(bytes32 id, Receipt calldata receipt, bytes calldata signature) internal {
        Dispute storage dispute = disputes[id];
        emit DisputeOpened(
            id,
            dispute.accused,
            msg.sender,
            dispute.receiptDigest,
            dispute.buyer,
            dispute.targetBlock,
            receipt,
            signature
        );
    }

    /// @dev Another attempt gets another id. Without it an accused could have itself tried without evidence, and be
    /// safe for ever.
    function _nextId(bytes32 digest) internal returns (bytes32 id) {
        bytes32 last = lastDisputeOf[digest];
        if (last != 0) {
            Dispute storage before = disputes[last];
            bool judged = before.outcome == OUTCOME_PASS || before.outcome == OUTCOME_FAIL;
            if (before.phase != PHASE_CLOSED || judged) revert AlreadyJudged(last, before.phase, before.outcome);
        }
        id = keccak256(abi.encode(digest, last));
        lastDisputeOf[digest] = id;
    }

    function _open(bytes32 id, address accused, bytes32 classId) internal returns (Dispute storage dispute) {
        if (STAKE_VAULT.stakeOf(accused).amount == 0) revert NothingAtStake(accused);
        dispute = disputes[id];
        dispute.accused = accused;
        dispute.challenger = msg.sender;
        dispute.classId = classId;
        dispute.phase = PHASE_DRAWING;
        dispute.round = 1;
        dispute.openedBlock = uint64(block.number);
        dispute.targetBlock = uint64(block.number) + 1;
        uint256 eligible = VALIDATORS.eligible(classId, dispute.targetBlock).length;
        if (eligible < MIN_JURY) revert TooFewJurors(eligible, MIN_JURY);
        STAKE_VAULT.lock(accused);
    }

    /// @dev What one closing needs to know of the jurors of both rounds.
    struct Reckoning {
        uint8 outcome;
        /// Votes for the outcome; a juror of both rounds may stand here twice.
        address[] majority;
        uint256 count;
    }

    function _close(bytes32 id, Dispute storage dispute, bool salt) internal {
        dispute.phase = PHASE_CLOSED;
        dispute.salt = salt;
        Reckoning memory reckoning;
        reckoning.outcome = dispute.outcome;
        reckoning.majority = new address[](juries[id][1].length + juries[id][2].length);
        _reckon(id, 1, reckoning);
        _reckon(id, 2, reckoning);

        uint256 slashed;
        if (reckoning.outcome == OUTCOME_FAIL && !salt) slashed = _slashAccused(id, dispute, reckoning);
        STAKE_VAULT.unlock(dispute.accused);
        _payBonds(id, dispute, reckoning, salt);
        emit Finalised(id, dispute.accused, reckoning.outcome, salt, slashed);
    }

    /// @dev Punishes and unlocks the jurors of one round and collects those who said what the outcome says.
    function _reckon(bytes32 id, uint8 round, Reckoning memory reckoning) internal {
        address[] storage jurors = juries[id][round];
        uint8 opposite = _opposite(reckoning.outcome);
        for (uint256 i; i < jurors.length; ++i) {
            address juror = jurors[i];
            uint8 verdict = votes[id][round][juror].verdict;
            if (verdict == 0) {
                emit JurorPunished(id, juror, 0, _slashForSink(juror, ABSENCE_SLASH));
            } else if (verdict == opposite) {
                emit JurorPunished(id, juror, verdict, _slashForSink(juror, JUROR_SLASH));
            } else if (verdict == reckoning.outcome) {
                reckoning.majority[reckoning.count++] = juror;
            }
            STAKE_VAULT.unlock(juror);
        }
    }

    /// @dev Zero where there is no verdict that one could have contradicted.
    function _opposite(uint8 outcome) internal pure returns (uint8) {
        if (outcome == OUTCOME_FAIL) return OUTCOME_PASS;
        return outcome == OUTCOME_PASS ? OUTCOME_FAIL : 0;
    }

    function _slashAccused(bytes32 id, Dispute storage dispute, Reckoning memory reckoning)
        internal
        returns (uint256 amount)
    {
        amount = uint256(STAKE_VAULT.stakeOf(dispute.accused).amount) * SLASH_BPS / BPS;
        // Another dispute may have taken everything meanwhile.
        if (amount == 0) return 0;
        StakeVault.Shares memory shares;
        uint256 claimants = amount * STAKE_VAULT.MAX_CLAIMANTS_BPS() / BPS;
        shares.buyer = _share(dispute.buyer, _min(dispute.cost, claimants));
        claimants -= shares.buyer.amount;
        shares.reporter = _share(dispute.challenger, _min(amount * REPORTER_BPS / BPS, claimants));
        shares.jurors = new StakeVault.Share[](reckoning.count);
        uint256 unshared = amount - shares.buyer.amount - shares.reporter.amount;
        for (uint256 i; i < reckoning.count; ++i) {
            shares.jurors[i] = _share(reckoning.majority[i], amount * JUROR_BPS / BPS / reckoning.count);
            unshared -= shares.jurors[i].amount;
        }
        // Safe casts: stakes are uint128, and these are parts of one.
        settlements[id].refunded = uint128(shares.buyer.amount);
        settlements[id].unshared = uint128(unshared);
        STAKE_VAULT.slash(dispute.accused, amount, shares);
    }

    /// @dev What nobody or the sink would receive stays with the sink.
    function _share(address to, uint256 amount) internal view returns (StakeVault.Share memory) {
        return StakeVault.Share(to, to == address(0) || to == STAKE_VAULT.SINK() ? 0 : amount);
    }

    /// @dev A bond whose purpose the outcome denies goes half to the other side and half to the jurors who said so.
    function _payBonds(bytes32 id, Dispute storage dispute, Reckoning memory reckoning, bool salt) internal {
        uint8 outcome = reckoning.outcome;
        uint256 forfeited;
        if (outcome == OUTCOME_PASS) forfeited = BOND;
        else _credit(id, dispute.challenger, BOND);
        if (dispute.round == 2) {
            bool judged = outcome == OUTCOME_PASS || outcome == OUTCOME_FAIL;
            bool inVain = judged && outcome == dispute.firstOutcome && !dispute.appealVoid;
            if (inVain) forfeited += APPEAL_BOND;
            else _credit(id, dispute.appellant, APPEAL_BOND);
        }
        if (forfeited == 0) return;
        uint256 each = forfeited / 2 / reckoning.count;
        for (uint256 i; i < reckoning.count; ++i) {
            _credit(id, reckoning.majority[i], each);
        }
        address winner = outcome == OUTCOME_PASS ? dispute.accused : dispute.challenger;
        // A salter's accused is its accomplice: what an appeal lost is not theirs.
        _credit(id, salt ? STAKE_VAULT.SINK() : winner, forfeited - each * reckoning.count);
    }

    function _slashForSink(address operator, uint256 wanted) internal returns (uint256 amount) {
        amount = _min(wanted, STAKE_VAULT.stakeOf(operator).amount);
        if (amount != 0) STAKE_VAULT.slashForSink(operator, amount);
    }

    function _credit(bytes32 id, address to, uint256 amount) internal {
        if (amount == 0) return;
        claimableOf[to] += amount;
        emit BondPaid(id, to, amount);
    }

    function _pull(uint256 amount) internal {
        uint256 before = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = TOKEN.balanceOf(address(this)) - before;
        if (received != amount) revert TransferMismatch(amount, received);
    }

    function _min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }
}
