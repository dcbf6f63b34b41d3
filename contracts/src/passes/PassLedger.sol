// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MerkleProofLib} from "solady/src/utils/MerkleProofLib.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {RefundInsurance} from "../RefundInsurance.sol";
import "../types/Pass.sol";
import {TokenIn} from "../types/TokenIn.sol";

/// @title PassLedger
/// @notice The books of passes: tiers, how a pass's money is divided, who is owed what, and the surplus of each tier and
/// period:
///
/// ```
///   period running --> root may be posted --postRoot--> objections --> shares --> sweep
///                            |                               |
///                            +-- none in time: sweep         +-- object: all goes to the insurance
/// ```
abstract contract PassLedger {
    using SafeTransferLib for address;
    using TokenIn for address;

    /// @notice How the money of a pass is divided when its time stops.
    struct Division {
        uint256 refund;
        uint256 fee;
        uint256 surplus;
    }

    /* CONSTANTS AND IMMUTABLES */

    /// @notice Part of every price that is the fee: five percent.
    uint256 public constant FEE_BPS = 500;
    uint256 internal constant BPS = 10_000;
    uint256 internal constant MILLION = 1_000_000;
    /// @notice Longest period of a tier, so that times stay within their bits.
    uint256 public constant MAX_PERIOD = 3_660 days;

    address public immutable TOKEN;
    address public immutable FEE_SPLITTER;
    RefundInsurance public immutable INSURANCE;
    uint40 public immutable MIN_PERIOD;
    uint40 public immutable ROOT_WINDOW;
    uint40 public immutable OBJECTION_WINDOW;
    uint40 public immutable CLAIM_WINDOW;
    uint128 public immutable OBJECTION_BOND;

    /* STORAGE */

    uint256 public tierCount;
    uint256 public passCount;
    mapping(uint256 tierId => Tier) internal tiers;
    mapping(uint256 passId => Pass) internal passes;
    /// @dev Where a pass stands last in the list of what its holder received.
    mapping(uint256 passId => uint256) internal lastReceived;
    mapping(uint256 tierId => mapping(uint256 period => Surplus)) internal surpluses;
    mapping(bytes32 leaf => bool) internal sharePaid;
    mapping(address account => uint256) internal owedTo;
    /// @notice Refunds of disputes that arrived and were not passed on yet.
    uint256 public unassigned;

    /* EVENTS */

    event TierCreated(
        uint256 indexed tierId,
        address indexed issuer,
        uint256 price,
        uint256 period,
        uint256 quota,
        uint32 requestsPerMinute,
        bytes32 modelsHash,
        string metadata
    );
    event SurplusAdded(uint256 indexed tierId, uint256 indexed period, uint256 amount);
    event SurplusRootPosted(uint256 indexed tierId, uint256 indexed period, bytes32 root);
    event ShareClaimed(uint256 indexed tierId, uint256 indexed period, address indexed provider, uint256 amount);
    event SurplusObjected(uint256 indexed tierId, uint256 indexed period, address indexed by, bytes32 root);
    /// @param amount What went to the insurance.
    event SurplusSwept(uint256 indexed tierId, uint256 indexed period, uint256 amount);
    event Owed(address indexed account, uint256 amount);
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    /* ERRORS */

    error ZeroAddress();
    error ZeroAmount();
    error AmountTooWide(uint256 amount);
    error InvalidRecipient(address to);
    error PeriodOutOfRange(uint256 period, uint256 min, uint256 max);
    /// @notice The price per million tokens would be zero.
    error QuotaTooLarge(uint256 quota, uint256 price);
    error NoSuchTier(uint256 tierId);
    error NotIssuer(uint256 tierId, address caller);
    error ZeroRoot();
    error RootNotDue(uint256 tierId, uint256 period, uint256 from, uint256 until);
    error RootAlreadyPosted(uint256 tierId, uint256 period);
    error NoRoot(uint256 tierId, uint256 period);
    error ObjectionOver(uint256 tierId, uint256 period, uint256 until);
    error SharesNotDue(uint256 tierId, uint256 period, uint256 from, uint256 until);
    error SurplusClosed(uint256 tierId, uint256 period);
    error BadShareProof(uint256 tierId, uint256 period, address provider, uint256 amount);
    error ShareAlreadyPaid(uint256 tierId, uint256 period, address provider);
    error AboveSurplus(uint256 amount, uint256 remaining);
    error SweepTooEarly(uint256 tierId, uint256 period, uint256 from);

    /* CONSTRUCTOR */

    constructor(address token, address feeSplitter, RefundInsurance insurance, PassTerms memory terms) {
        if (feeSplitter == address(0) || address(insurance) == address(0)) revert ZeroAddress();
        if (terms.minPeriod == 0 || terms.minPeriod > MAX_PERIOD) {
            revert PeriodOutOfRange(terms.minPeriod, 1, MAX_PERIOD);
        }
        if (terms.rootWindow == 0 || terms.objectionWindow == 0 || terms.claimWindow == 0 || terms.objectionBond == 0) {
            revert ZeroAmount();
        }
        TOKEN = token;
        FEE_SPLITTER = feeSplitter;
        INSURANCE = insurance;
        MIN_PERIOD = terms.minPeriod;
        ROOT_WINDOW = terms.rootWindow;
        OBJECTION_WINDOW = terms.objectionWindow;
        CLAIM_WINDOW = terms.claimWindow;
        OBJECTION_BOND = terms.objectionBond;
    }

    /* TIERS */

    /// @notice Makes a tier, of which the caller is the issuer. It can never be changed.
    /// @param metadata Name and description, as the issuer likes; kept in the event.
    function createTier(
        uint256 price,
        uint256 period,
        uint256 quota,
        uint32 requestsPerMinute,
        bytes32 modelsHash,
        string calldata metadata
    ) external returns (uint256 tierId) {
        if (price == 0 || quota == 0) revert ZeroAmount();
        if (price > type(uint96).max) revert AmountTooWide(price);
        if (quota > type(uint128).max) revert AmountTooWide(quota);
        if (period < MIN_PERIOD || period > MAX_PERIOD) revert PeriodOutOfRange(period, MIN_PERIOD, MAX_PERIOD);
        if ((price - _feeOf(price)) * MILLION / quota == 0) revert QuotaTooLarge(quota, price);
        tierId = ++tierCount;
        tiers[tierId] = Tier(msg.sender, uint96(price), requestsPerMinute, uint40(period), uint128(quota), modelsHash);
        emit TierCreated(tierId, msg.sender, price, period, quota, requestsPerMinute, modelsHash, metadata);
    }

    function tierOf(uint256 tierId) external view returns (Tier memory) {
        return _tier(tierId);
    }

    /// @notice The flat price of a million tokens at which the passes of a tier are used: so low that the whole quota can
    /// be paid for.
    function unitsPerMillion(uint256 tierId) external view returns (uint256) {
        Tier storage tier = _tier(tierId);
        return (tier.price - _feeOf(tier.price)) * MILLION / tier.quota;
    }

    /* SURPLUS */

    /// @notice Says who shares the surplus of a period that is over, once. Only the tier's issuer, within `ROOT_WINDOW`.
    /// @param root Merkle root over the leaves keccak256(bytes.concat(keccak256(abi.encode(tierId, period, provider,
    /// amount)))), pairs sorted.
    function postRoot(uint256 tierId, uint256 period, bytes32 root) external {
        Tier storage tier = _tier(tierId);
        if (msg.sender != tier.issuer) revert NotIssuer(tierId, msg.sender);
        if (root == 0) revert ZeroRoot();
        Surplus storage surplus = _open(tierId, period);
        if (surplus.root != 0) revert RootAlreadyPosted(tierId, period);
        uint256 from = _endOf(tier, period);
        if (block.timestamp < from || block.timestamp >= from + ROOT_WINDOW) {
            revert RootNotDue(tierId, period, from, from + ROOT_WINDOW);
        }
        surplus.root = root;
        surplus.postedAt = uint40(block.timestamp);
        emit SurplusRootPosted(tierId, period, root);
    }

    /// @notice Drops a root within `OBJECTION_WINDOW`, for `OBJECTION_BOND` of the caller's tokens: surplus and bond go to
    /// the insurance. Nobody gains by it, so a false root is worth nothing to its issuer, and a false objection costs.
    function object(uint256 tierId, uint256 period) external {
        Surplus storage surplus = _open(tierId, period);
        if (surplus.root == 0) revert NoRoot(tierId, period);
        uint256 until = uint256(surplus.postedAt) + OBJECTION_WINDOW;
        if (block.timestamp >= until) revert ObjectionOver(tierId, period, until);
        emit SurplusObjected(tierId, period, msg.sender, surplus.root);
        surplus.root = 0;
        _sweep(tierId, period, surplus);
        _owe(address(INSURANCE), OBJECTION_BOND);
        TOKEN.take(OBJECTION_BOND);
    }

    /// @notice Credits the calling provider with its share, once, after the objection window.
    function claimShare(uint256 tierId, uint256 period, uint256 amount, bytes32[] calldata proof) external {
        Surplus storage surplus = _open(tierId, period);
        if (surplus.root == 0) revert NoRoot(tierId, period);
        uint256 from = uint256(surplus.postedAt) + OBJECTION_WINDOW;
        if (block.timestamp < from || block.timestamp >= from + CLAIM_WINDOW) {
            revert SharesNotDue(tierId, period, from, from + CLAIM_WINDOW);
        }
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(tierId, period, msg.sender, amount))));
        if (!MerkleProofLib.verifyCalldata(proof, surplus.root, leaf)) {
            revert BadShareProof(tierId, period, msg.sender, amount);
        }
        if (sharePaid[leaf]) revert ShareAlreadyPaid(tierId, period, msg.sender);
        if (amount > surplus.remaining) revert AboveSurplus(amount, surplus.remaining);
        sharePaid[leaf] = true;
        // Safe cast: not above `remaining`.
        surplus.remaining -= uint128(amount);
        _owe(msg.sender, amount);
        emit ShareClaimed(tierId, period, msg.sender, amount);
    }

    /// @notice Gives a surplus to the insurance for which no root came in time, or of which shares were not claimed in
    /// time. Anyone may.
    function sweep(uint256 tierId, uint256 period) external {
        Surplus storage surplus = _open(tierId, period);
        uint256 from = surplus.root == 0
            ? _endOf(_tier(tierId), period) + ROOT_WINDOW
            : uint256(surplus.postedAt) + OBJECTION_WINDOW + CLAIM_WINDOW;
        if (block.timestamp < from) revert SweepTooEarly(tierId, period, from);
        _sweep(tierId, period, surplus);
    }

    function surplusOf(uint256 tierId, uint256 period) external view returns (Surplus memory) {
        return surpluses[tierId][period];
    }

    /// @notice The number of the period in which a pass that is settled now leaves its surplus.
    function periodOf(uint256 tierId) external view returns (uint256) {
        return block.timestamp / _tier(tierId).period;
    }

    /* TAKING OUT */

    /// @notice What `withdraw` pays an account.
    function owed(address account) external view returns (uint256) {
        return owedTo[account];
    }

    /// @notice Sends what the caller is owed to `to`.
    function withdraw(address to) external returns (uint256 amount) {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(to);
        return _pay(msg.sender, to);
    }

    /// @notice Sends the fee splitter or the insurance what they are owed; they cannot ask for it. Anyone may.
    function forward(address account) external returns (uint256 amount) {
        if (account != FEE_SPLITTER && account != address(INSURANCE)) revert InvalidRecipient(account);
        return _pay(account, account);
    }

    /* INTERNAL */

    function _pay(address account, address to) internal returns (uint256 amount) {
        amount = owedTo[account];
        if (amount == 0) revert ZeroAmount();
        owedTo[account] = 0;
        emit Withdrawn(account, to, amount);
        TOKEN.safeTransfer(to, amount);
    }

    function _owe(address account, uint256 amount) internal {
        if (amount == 0) return;
        owedTo[account] += amount;
        emit Owed(account, amount);
    }

    function _credit(Pass storage pass, uint256 price) internal {
        uint256 fee = _feeOf(price);
        // Safe casts: prices have 96 bits, and checked sums 128.
        pass.fee += uint128(fee);
        pass.net += uint128(price - fee);
        pass.balance += uint128(price - fee);
    }

    /// @dev Refund: of what was paid, the part of the term that is left, and of that only what was not spent; with it goes
    /// the same part of the fee. What is spent is never refunded, and what time has earned is not either.
    ///
    ///   kept  = min(net * left / term, balance)      refund  = kept + fee * kept / net
    ///   fee   = fee - fee * kept / net               surplus = balance - kept
    function _divide(Pass storage pass, uint256 left) internal view returns (Division memory division) {
        uint256 balance = pass.balance;
        uint256 kept = uint256(pass.net) * left / (pass.end - pass.start);
        if (kept > balance) kept = balance;
        // A price has at least one unit, which the fee rounds down to leave: `net` is not zero.
        uint256 feeBack = uint256(pass.fee) * kept / pass.net;
        division.refund = kept + feeBack;
        division.fee = pass.fee - feeBack;
        division.surplus = balance - kept;
    }

    function _distribute(uint256 tierId, Division memory division) internal {
        _owe(FEE_SPLITTER, division.fee);
        if (division.surplus == 0) return;
        uint256 period = block.timestamp / _tier(tierId).period;
        // Safe cast: part of a pass's balance. The period is running, so it has neither root nor end.
        surpluses[tierId][period].remaining += uint128(division.surplus);
        emit SurplusAdded(tierId, period, division.surplus);
    }

    function _sweep(uint256 tierId, uint256 period, Surplus storage surplus) internal {
        uint256 amount = surplus.remaining;
        surplus.remaining = 0;
        surplus.closed = true;
        _owe(address(INSURANCE), amount);
        emit SurplusSwept(tierId, period, amount);
    }

    function _open(uint256 tierId, uint256 period) internal view returns (Surplus storage surplus) {
        surplus = surpluses[tierId][period];
        if (surplus.closed) revert SurplusClosed(tierId, period);
    }

    function _endOf(Tier storage tier, uint256 period) internal view returns (uint256) {
        return (period + 1) * tier.period;
    }

    function _tier(uint256 tierId) internal view returns (Tier storage tier) {
        tier = tiers[tierId];
        if (tier.issuer == address(0)) revert NoSuchTier(tierId);
    }

    function _feeOf(uint256 price) internal pure returns (uint256) {
        return price * FEE_BPS / BPS;
    }
}
