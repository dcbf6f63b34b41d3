// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title StakeVault
/// @notice Collateral of operators, bonded per slot. It is what a cheat loses, and never a weight: more stake brings
/// neither more work nor more votes.
///
/// Leaving takes longer than any dispute: `requestUnbond` starts a delay that exceeds the dispute window, during which
/// the stake can still be slashed, and a locked operator (one with an open dispute) cannot complete it.
///
/// Nobody owns this contract. Only the immutable `DISPUTES` may lock, unlock and slash; if that is the zero address,
/// nobody ever can, and the stake is a deposit that shows commitment and nothing more.
contract StakeVault {
    using SafeERC20 for IERC20;

    /// @notice What `stakeOf` returns.
    /// @param amount Everything bonded, including what is being unbonded.
    /// @param slots Slots that `amount - unbonding` is meant to cover.
    /// @param unbonding Part of `amount` on its way out.
    /// @param unbondingAt Unix second from which `unbonding` may leave; zero while nothing is on its way.
    /// @param locks Number of open disputes.
    struct Stake {
        uint128 amount;
        uint128 unbonding;
        uint40 unbondingAt;
        uint32 slots;
        uint32 locks;
    }

    /// @notice One share of a slash.
    struct Share {
        address to;
        uint256 amount;
    }

    /// @notice Who receives what of a slash; what is left goes to `SINK`.
    /// @param buyer Made whole for the answer that it paid.
    /// @param reporter Rewarded for opening the dispute.
    /// @param jurors Paid for judging it.
    struct Shares {
        Share buyer;
        Share reporter;
        Share[] jurors;
    }

    /* CONSTANTS AND IMMUTABLES */

    /// @notice Largest share of a slash that buyer and reporter may receive together, in basis points. Both may be the
    /// operator itself under other names, and it may have signed a receipt of any cost: so whoever has itself slashed
    /// loses at least half.
    uint256 public constant MAX_CLAIMANTS_BPS = 5_000;
    /// @notice Largest share of a slash that its jurors may receive together, in basis points: judging is paid, and
    /// convicting is not a business.
    uint256 public constant MAX_JURORS_BPS = 2_000;
    uint256 internal constant BPS = 10_000;

    IERC20 public immutable TOKEN;
    /// @notice Least collateral per slot, in units of the token.
    uint256 public immutable MIN_PER_SLOT;
    /// @notice Seconds within which a dispute must be opened.
    uint40 public immutable DISPUTE_WINDOW;
    /// @notice Seconds between asking for stake back and taking it; longer than the dispute window.
    uint40 public immutable UNBOND_DELAY;
    /// @notice The only caller of `lock`, `unlock` and `slash`. Zero means nobody.
    address public immutable DISPUTES;
    /// @notice Receives what a slash pays to nobody else. Zero means that it stays here for ever.
    address public immutable SINK;

    /* STORAGE */

    mapping(address operator => Stake) internal stakes;
    mapping(address account => uint256) internal claimableOf;

    /// @notice All stake that was ever slashed, and all that was ever bonded.
    uint256 public totalSlashed;
    uint256 public totalBonded;

    /* EVENTS */

    event Bonded(
        address indexed operator, address indexed from, uint256 amount, uint32 slots, uint256 stake, uint32 totalSlots
    );
    event UnbondRequested(address indexed operator, uint256 amount, uint32 slots, uint256 availableAt);
    event UnbondCancelled(address indexed operator, uint256 amount);
    event Unbonded(address indexed operator, address indexed to, uint256 amount, uint256 stake);
    event Locked(address indexed operator, uint32 locks);
    event Unlocked(address indexed operator, uint32 locks);
    /// @param stake What is left of the operator's.
    event Slashed(address indexed operator, uint256 amount, uint256 toSink, uint256 stake);
    /// @notice A share of a slash that `to` can withdraw.
    event SlashShared(address indexed operator, address indexed to, uint256 amount);
    event ClaimableWithdrawn(address indexed account, address indexed to, uint256 amount);

    /* ERRORS */

    error ZeroAddress();
    error ZeroAmount();
    /// @notice Tokens sent there would be lost.
    error InvalidRecipient(address to);
    error DelayNotAboveDisputeWindow(uint256 unbondDelay, uint256 disputeWindow);
    error TransferMismatch(uint256 expected, uint256 received);
    error NotOperator(address caller, address operator);
    error NotDisputes(address caller);
    error StakeBelowMinimum(uint256 stake, uint256 needed);
    error AboveStake(uint256 amount, uint256 stake);
    error AboveSlots(uint256 slots, uint256 bonded);
    error UnbondPending(uint256 availableAt);
    error NothingUnbonding(address operator);
    error UnbondTooEarly(uint256 availableAt);
    error StakeLocked(address operator, uint32 locks);
    error NotLocked(address operator);
    error SharesTooHigh(uint256 amount, uint256 max);
    error BadRecipient(address to);

    /* CONSTRUCTOR */

    constructor(
        address token,
        uint256 minPerSlot,
        uint40 disputeWindow,
        uint40 unbondDelay,
        address disputes,
        address sink
    ) {
        if (token == address(0)) revert ZeroAddress();
        if (unbondDelay <= disputeWindow) revert DelayNotAboveDisputeWindow(unbondDelay, disputeWindow);
        TOKEN = IERC20(token);
        MIN_PER_SLOT = minPerSlot;
        DISPUTE_WINDOW = disputeWindow;
        UNBOND_DELAY = unbondDelay;
        DISPUTES = disputes;
        SINK = sink;
    }

    /* BONDING */

    /// @notice Bonds `amount` of the caller's tokens for `operator` and raises its slots by `slots`.
    /// @dev Anyone may add collateral, but only the operator decides how many slots it answers for: a stranger could
    /// otherwise make it promise capacity that it does not have.
    function bond(address operator, uint32 slots, uint256 amount) external {
        if (operator == address(0)) revert ZeroAddress();
        if (amount == 0 && slots == 0) revert ZeroAmount();
        if (slots != 0 && msg.sender != operator) revert NotOperator(msg.sender, operator);
        Stake storage stake = stakes[operator];
        stake.slots += slots;
        stake.amount += _toUint128(amount);
        totalBonded += amount;
        _requireCovered(stake);
        emit Bonded(operator, msg.sender, amount, slots, stake.amount, stake.slots);

        if (amount == 0) return;
        uint256 before = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = TOKEN.balanceOf(address(this)) - before;
        if (received != amount) revert TransferMismatch(amount, received);
    }

    /// @notice Gives up `slots` slots at once and starts taking `amount` of stake back. What remains must cover the
    /// slots that remain. One request at a time.
    function requestUnbond(uint32 slots, uint256 amount) external {
        Stake storage stake = stakes[msg.sender];
        if (amount == 0) revert ZeroAmount();
        if (stake.unbondingAt != 0) revert UnbondPending(stake.unbondingAt);
        if (amount > stake.amount) revert AboveStake(amount, stake.amount);
        if (slots > stake.slots) revert AboveSlots(slots, stake.slots);
        stake.slots -= slots;
        stake.unbonding = _toUint128(amount);
        stake.unbondingAt = uint40(block.timestamp) + UNBOND_DELAY;
        _requireCovered(stake);
        emit UnbondRequested(msg.sender, amount, slots, stake.unbondingAt);
    }

    /// @notice Keeps the stake bonded after all. Slots given up are not restored; `bond` raises them again.
    function cancelUnbond() external {
        Stake storage stake = stakes[msg.sender];
        if (stake.unbondingAt == 0) revert NothingUnbonding(msg.sender);
        uint256 amount = stake.unbonding;
        stake.unbonding = 0;
        stake.unbondingAt = 0;
        emit UnbondCancelled(msg.sender, amount);
    }

    /// @notice Sends what is left of the requested amount to `to`, once the delay is over and no dispute is open.
    function finalizeUnbond(address to) external returns (uint256 amount) {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(to);
        Stake storage stake = stakes[msg.sender];
        if (stake.unbondingAt == 0) revert NothingUnbonding(msg.sender);
        if (block.timestamp < stake.unbondingAt) revert UnbondTooEarly(stake.unbondingAt);
        if (stake.locks != 0) revert StakeLocked(msg.sender, stake.locks);
        amount = stake.unbonding;
        // Safe cast: `unbonding` is a uint128. Slashing keeps it at or below `amount`.
        stake.amount -= uint128(amount);
        stake.unbonding = 0;
        stake.unbondingAt = 0;
        emit Unbonded(msg.sender, to, amount, stake.amount);
        if (amount != 0) TOKEN.safeTransfer(to, amount);
    }

    /* DISPUTES */

    /// @notice Opens one more dispute: no stake of `operator` leaves until each is closed.
    function lock(address operator) external {
        _onlyDisputes();
        uint32 locks = ++stakes[operator].locks;
        emit Locked(operator, locks);
    }

    /// @notice Closes one dispute.
    function unlock(address operator) external {
        _onlyDisputes();
        if (stakes[operator].locks == 0) revert NotLocked(operator);
        uint32 locks = --stakes[operator].locks;
        emit Unlocked(operator, locks);
    }

    /// @notice Takes `amount` of a locked operator's stake, bonded or unbonding, for those in `shares`, and the rest for
    /// `SINK`. A share of zero is nobody's.
    function slash(address operator, uint256 amount, Shares calldata shares) external {
        _take(operator, amount);
        uint256 claimants = shares.buyer.amount + shares.reporter.amount;
        if (claimants > amount * MAX_CLAIMANTS_BPS / BPS) {
            revert SharesTooHigh(claimants, amount * MAX_CLAIMANTS_BPS / BPS);
        }
        uint256 jurors;
        for (uint256 i; i < shares.jurors.length; ++i) {
            jurors += shares.jurors[i].amount;
            _share(operator, shares.jurors[i]);
        }
        if (jurors > amount * MAX_JURORS_BPS / BPS) revert SharesTooHigh(jurors, amount * MAX_JURORS_BPS / BPS);
        _share(operator, shares.buyer);
        _share(operator, shares.reporter);
        _sink(operator, amount, amount - claimants - jurors);
    }

    /// @notice The same with nobody to pay: all of it goes to `SINK`.
    function slashForSink(address operator, uint256 amount) external {
        _take(operator, amount);
        _sink(operator, amount, amount);
    }

    /// @notice Sends what slashes credited to the caller to `to`.
    function withdrawClaimable(address to) external returns (uint256 amount) {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(to);
        amount = claimableOf[msg.sender];
        if (amount == 0) revert ZeroAmount();
        claimableOf[msg.sender] = 0;
        emit ClaimableWithdrawn(msg.sender, to, amount);
        TOKEN.safeTransfer(to, amount);
    }

    /* VIEWS */

    function stakeOf(address operator) external view returns (Stake memory) {
        return stakes[operator];
    }

    /// @notice Stake that backs the operator's work now: bonded and not on its way out.
    function activeStake(address operator) public view returns (uint256) {
        Stake storage stake = stakes[operator];
        return stake.amount - stake.unbonding;
    }

    /// @notice Slots that are fully covered: fewer than bonded after a slash.
    function coveredSlots(address operator) external view returns (uint256) {
        uint256 slots = stakes[operator].slots;
        if (MIN_PER_SLOT == 0) return slots;
        uint256 covered = activeStake(operator) / MIN_PER_SLOT;
        return covered < slots ? covered : slots;
    }

    function claimable(address account) external view returns (uint256) {
        return claimableOf[account];
    }

    /* INTERNAL */

    function _take(address operator, uint256 amount) internal {
        _onlyDisputes();
        Stake storage stake = stakes[operator];
        if (stake.locks == 0) revert NotLocked(operator);
        if (amount == 0) revert ZeroAmount();
        if (amount > stake.amount) revert AboveStake(amount, stake.amount);
        // Safe cast: not above `stake.amount`, a uint128.
        stake.amount -= uint128(amount);
        if (stake.unbonding > stake.amount) stake.unbonding = stake.amount;
        totalSlashed += amount;
    }

    function _share(address operator, Share calldata share) internal {
        if (share.amount == 0) return;
        if (share.to == address(0) || share.to == SINK) revert BadRecipient(share.to);
        claimableOf[share.to] += share.amount;
        emit SlashShared(operator, share.to, share.amount);
    }

    function _sink(address operator, uint256 amount, uint256 toSink) internal {
        claimableOf[SINK] += toSink;
        emit Slashed(operator, amount, toSink, stakes[operator].amount);
    }

    function _onlyDisputes() internal view {
        if (msg.sender != DISPUTES) revert NotDisputes(msg.sender);
    }

    function _requireCovered(Stake storage stake) internal view {
        uint256 active = stake.amount - stake.unbonding;
        uint256 needed = uint256(stake.slots) * MIN_PER_SLOT;
        if (active < needed) revert StakeBelowMinimum(active, needed);
    }

    function _toUint128(uint256 amount) internal pure returns (uint128) {
        if (amount > type(uint128).max) revert AboveStake(amount, type(uint128).max);
        return uint128(amount);
    }
}
