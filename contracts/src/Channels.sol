// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "solady/src/utils/ECDSA.sol";
import {EIP712} from "solady/src/utils/EIP712.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";

/// @notice Who pays whom, in which token, and who signs. Never stored: it is the preimage of the channel's id and
/// travels as calldata. The type and its EIP-712 hash are those of the x402 `batch-settlement` scheme.
struct ChannelConfig {
    /// Owner of the escrow; what is left returns to its free balance.
    address payer;
    /// Key that signs vouchers. Here always a plain key (ECDSA); zero is refused.
    address payerAuthorizer;
    /// Earns what is claimed.
    address receiver;
    /// May refund and close beside the receiver; zero means nobody else.
    address receiverAuthorizer;
    /// Must be the contract's token.
    address token;
    /// Seconds between the announcement of a withdrawal and its completion.
    uint40 withdrawDelay;
    /// Tells channels with the same parties apart.
    bytes32 salt;
}

/// @notice One voucher to redeem.
struct Claim {
    ChannelConfig config;
    uint128 maxClaimableAmount;
    bytes signature;
}

/// @title Channels
/// @notice Escrow for one-way payment channels: a payer deposits once, signs cumulative vouchers off chain, and the
/// receiver redeems the last one whenever it likes.
///
/// ```
///   free balance --openFromBalance/topUpFromBalance--> escrow --claim--> earned --withdrawEarned--> token
///   token -------open/topUp--------------------------> escrow
///   token -------deposit-----> free balance <--refund, claimAndClose, finalizeWithdraw-- escrow
/// ```
///
/// A channel is `none -> open -> closed`, and closed is for ever: its slot is kept as a tombstone, so that neither the
/// id nor an old voucher can be used again. From every state each party reaches its own money alone: the receiver by
/// `claim` and `withdrawEarned`, the payer by `initiateWithdraw`, `finalizeWithdraw` and `withdraw`.
///
/// Nobody owns this contract, nothing in it can be paused or changed, and it charges no fee.
/// @dev Warning: a voucher is redeemed for exactly `maxClaimableAmount`, and by anyone who holds it. Sign what is owed,
/// not a ceiling above it.
/// Warning: the token must not rebase, must not take a fee on transfers (a short transfer is refused) and must be honest:
/// it alone says what was received. Tokens sent here without a call belong to nobody.
contract Channels is EIP712 {
    using SafeTransferLib for address;

    /// @dev Fits one storage slot. Amounts above 2^96 are refused, never cut.
    struct Slot {
        uint96 deposit;
        uint96 settled;
        uint40 withdrawAt;
        uint8 status;
    }

    /// @notice What `channel` returns.
    /// @param deposit Everything paid in, less refunds; equals `settled` once closed.
    /// @param settled Everything redeemed so far. Never decreases.
    /// @param withdrawAt Unix second from which the payer's exit may be completed; zero while none is pending.
    /// @param status 0 never opened, 1 open, 2 closed for ever.
    struct ChannelState {
        uint256 deposit;
        uint256 settled;
        uint256 withdrawAt;
        uint8 status;
    }

    /* CONSTANTS AND IMMUTABLES */

    bytes32 public constant CHANNEL_CONFIG_TYPEHASH = keccak256(
        "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)"
    );
    bytes32 public constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");

    /// @notice Longest notice that a payer can agree to give.
    uint40 public constant MAX_WITHDRAW_DELAY = 30 days;

    uint8 internal constant NONE = 0;
    uint8 internal constant OPEN = 1;
    uint8 internal constant CLOSED = 2;

    /// @notice Reasons in `ClaimSkipped`, in the order in which they are checked.
    uint8 public constant SKIP_NOT_OPEN = 1;
    uint8 public constant SKIP_NOT_ABOVE_SETTLED = 2;
    uint8 public constant SKIP_ABOVE_DEPOSIT = 3;
    uint8 public constant SKIP_BAD_SIGNATURE = 4;

    /// @notice The only token held here.
    address public immutable TOKEN;

    /// @notice Shortest notice that a payer can agree to give. x402 says 15 minutes; a local network may choose less to
    /// keep demonstrations short.
    /// @dev Warning: a receiver that is offline for longer than a channel's delay can lose what it has not claimed.
    uint40 public immutable MIN_WITHDRAW_DELAY;

    /* STORAGE */

    mapping(bytes32 id => Slot) internal slots;
    mapping(address receiver => uint256) internal earnedOf;
    mapping(address payer => uint256) internal freeOf;

    /* EVENTS */

    event Deposited(address indexed payer, address indexed from, uint256 amount);
    event Withdrawn(address indexed payer, address indexed to, uint256 amount);
    event ChannelOpened(
        bytes32 indexed channelId,
        address indexed payer,
        address indexed receiver,
        address payerAuthorizer,
        address receiverAuthorizer,
        uint40 withdrawDelay,
        bytes32 salt,
        uint256 amount
    );
    event ToppedUp(bytes32 indexed channelId, address indexed from, uint256 amount);
    /// @param settled The channel's new cumulative total.
    /// @param amount What this claim added to it.
    event Claimed(bytes32 indexed channelId, address indexed receiver, uint256 settled, uint256 amount);
    /// @param index Position in the batch.
    /// @param reason One of the `SKIP_` constants.
    event ClaimSkipped(uint256 indexed index, bytes32 indexed channelId, uint8 reason);
    event Refunded(bytes32 indexed channelId, address indexed payer, uint256 amount);
    event WithdrawInitiated(bytes32 indexed channelId, address indexed by, uint256 withdrawAt);
    /// @param settled Total that the receiver redeemed over the channel's life; zero-value channels show as zero.
    event ChannelClosed(bytes32 indexed channelId, address indexed payer, uint256 settled, uint256 returned);
    event EarnedWithdrawn(address indexed receiver, address indexed to, uint256 amount);

    /* ERRORS */

    error ZeroAmount();
    error ZeroAddress();
    /// @notice The amount does not fit the channel's 96 bits.
    error AmountTooWide(uint256 amount);
    /// @notice The token delivered another amount than was asked of it.
    error TransferMismatch(uint256 expected, uint256 received);
    error InsufficientBalance(address payer, uint256 balance, uint256 needed);
    error WrongToken(address token, address expected);
    error DelayOutOfRange(uint256 withdrawDelay, uint256 min, uint256 max);
    error DelayBoundOutOfRange(uint256 min, uint256 max);
    error NotPayer(address caller);
    error NotReceiver(address caller);
    /// @notice The id is open or was closed; ids are never used twice.
    error ChannelExists(bytes32 channelId, uint8 status);
    error ChannelNotOpen(bytes32 channelId, uint8 status);
    error NotAboveSettled(bytes32 channelId, uint256 amount, uint256 settled);
    error AboveDeposit(bytes32 channelId, uint256 amount, uint256 deposit);
    error BadSignature(bytes32 channelId);
    error RefundAboveUnclaimed(bytes32 channelId, uint256 amount, uint256 unclaimed);
    error WithdrawPending(bytes32 channelId, uint256 withdrawAt);
    error WithdrawNotInitiated(bytes32 channelId);
    error WithdrawTooEarly(bytes32 channelId, uint256 withdrawAt);

    /* CONSTRUCTOR */

    /// @param token The one token, for ever.
    /// @param minWithdrawDelay Lower bound on `withdrawDelay`, in seconds; at least one.
    constructor(address token, uint40 minWithdrawDelay) {
        if (token == address(0)) revert ZeroAddress();
        if (minWithdrawDelay == 0 || minWithdrawDelay > MAX_WITHDRAW_DELAY) {
            revert DelayBoundOutOfRange(minWithdrawDelay, MAX_WITHDRAW_DELAY);
        }
        TOKEN = token;
        MIN_WITHDRAW_DELAY = minWithdrawDelay;
    }

    /* FREE BALANCE */

    /// @notice Pays `amount` of the caller's tokens into the free balance of `payer`.
    function deposit(address payer, uint256 amount) external {
        if (payer == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        freeOf[payer] += amount;
        emit Deposited(payer, msg.sender, amount);
        _pull(amount);
    }

    /// @notice Sends `amount` of the caller's free balance to `to`.
    function withdraw(uint256 amount, address to) external {
        if (to == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        _debit(msg.sender, amount);
        emit Withdrawn(msg.sender, to, amount);
        TOKEN.safeTransfer(to, amount);
    }

    /* OPENING */

    /// @notice Opens a channel with `amount` of the caller's tokens. The caller must be the payer.
    function open(ChannelConfig calldata config, uint256 amount) external returns (bytes32 id) {
        id = _open(config, amount);
        _pull(amount);
    }

    /// @notice Opens a channel with `amount` of the caller's free balance. The caller must be the payer.
    function openFromBalance(ChannelConfig calldata config, uint256 amount) external returns (bytes32 id) {
        _debit(msg.sender, amount);
        id = _open(config, amount);
    }

    /// @notice Adds `amount` of the caller's tokens to an open channel.
    /// @dev Anyone may call it, so it touches neither a pending withdrawal nor anything else but the deposit. What a
    /// stranger adds is the payer's from then on.
    function topUp(ChannelConfig calldata config, uint256 amount) external {
        _topUp(config, amount);
        _pull(amount);
    }

    /// @notice Adds `amount` of the payer's free balance to an open channel. The caller must be the payer.
    function topUpFromBalance(ChannelConfig calldata config, uint256 amount) external {
        if (msg.sender != config.payer) revert NotPayer(msg.sender);
        _debit(msg.sender, amount);
        _topUp(config, amount);
    }

    /* CLAIMING */

    /// @notice Redeems a voucher: credits its receiver with the amount by which it exceeds what was settled before.
    /// Anyone may relay it.
    function claim(ChannelConfig calldata config, uint128 maxClaimableAmount, bytes calldata signature) external {
        (bytes32 id, Slot memory slot, uint8 reason) = _check(config, maxClaimableAmount, signature);
        if (reason != 0) _revertFor(reason, id, slot, maxClaimableAmount);
        earnedOf[config.receiver] += _settle(id, slot, config.receiver, maxClaimableAmount);
        slots[id] = slot;
    }

    /// @notice Redeems many vouchers. A voucher that `claim` would refuse is skipped and reported by `ClaimSkipped`; it
    /// never stops the others. The outcome is that of claiming each good one in order.
    /// @return credited Units added to `earned`, over all receivers.
    /// @return skipped Number of vouchers left out.
    function claimBatch(Claim[] calldata claims) external returns (uint256 credited, uint256 skipped) {
        for (uint256 i; i < claims.length; ++i) {
            Claim calldata item = claims[i];
            (bytes32 id, Slot memory slot, uint8 reason) =
                _check(item.config, item.maxClaimableAmount, item.signature);
            if (reason != 0) {
                ++skipped;
                emit ClaimSkipped(i, id, reason);
                continue;
            }
            uint256 amount = _settle(id, slot, item.config.receiver, item.maxClaimableAmount);
            slots[id] = slot;
            earnedOf[item.config.receiver] += amount;
            credited += amount;
        }
    }

    /// @notice Redeems the last voucher, returns the rest to the payer's free balance and closes the channel. Only the
    /// receiver or its authorizer.
    /// @param maxClaimableAmount The voucher's amount; if it equals what is settled already, nothing is redeemed and
    /// the signature is not read.
    function claimAndClose(ChannelConfig calldata config, uint128 maxClaimableAmount, bytes calldata signature)
        external
    {
        _onlyReceiver(config);
        (bytes32 id, Slot memory slot, uint8 reason) = _check(config, maxClaimableAmount, signature);
        if (reason == SKIP_NOT_ABOVE_SETTLED && maxClaimableAmount == slot.settled) {
            reason = 0;
        } else if (reason == 0) {
            earnedOf[config.receiver] += _settle(id, slot, config.receiver, maxClaimableAmount);
        }
        if (reason != 0) _revertFor(reason, id, slot, maxClaimableAmount);
        _close(id, slot, config.payer);
    }

    /// @notice Sends everything that the caller has earned to `to`.
    function withdrawEarned(address to) external returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        amount = earnedOf[msg.sender];
        if (amount == 0) revert ZeroAmount();
        earnedOf[msg.sender] = 0;
        emit EarnedWithdrawn(msg.sender, to, amount);
        TOKEN.safeTransfer(to, amount);
    }

    /* RETURNING */

    /// @notice Gives `amount` of the unclaimed escrow back to the payer's free balance; the channel stays open. Only
    /// the receiver or its authorizer.
    /// @dev Warning: a voucher above the lowered deposit can no longer be redeemed; claim first.
    function refund(ChannelConfig calldata config, uint256 amount) external {
        _onlyReceiver(config);
        (bytes32 id, Slot memory slot) = _loadOpen(config);
        if (amount == 0) revert ZeroAmount();
        uint256 unclaimed = slot.deposit - slot.settled;
        if (amount > unclaimed) revert RefundAboveUnclaimed(id, amount, unclaimed);
        // Safe cast: amount <= unclaimed < 2^96.
        slot.deposit -= uint96(amount);
        slots[id] = slot;
        freeOf[config.payer] += amount;
        emit Refunded(id, config.payer, amount);
    }

    /// @notice Announces the payer's exit. The receiver can claim until somebody completes it. Only the payer or its
    /// authorizer.
    function initiateWithdraw(ChannelConfig calldata config) external {
        if (msg.sender != config.payer && msg.sender != config.payerAuthorizer) revert NotPayer(msg.sender);
        (bytes32 id, Slot memory slot) = _loadOpen(config);
        if (slot.withdrawAt != 0) revert WithdrawPending(id, slot.withdrawAt);
        slot.withdrawAt = uint40(block.timestamp) + config.withdrawDelay;
        slots[id] = slot;
        emit WithdrawInitiated(id, msg.sender, slot.withdrawAt);
    }

    /// @notice Completes an announced exit: returns the unclaimed escrow to the payer's free balance and closes the
    /// channel. Anyone may call it once the delay is over.
    function finalizeWithdraw(ChannelConfig calldata config) external {
        (bytes32 id, Slot memory slot) = _loadOpen(config);
        if (slot.withdrawAt == 0) revert WithdrawNotInitiated(id);
        if (block.timestamp < slot.withdrawAt) revert WithdrawTooEarly(id, slot.withdrawAt);
        _close(id, slot, config.payer);
    }

    /* VIEWS */

    /// @notice The channel's id: the EIP-712 hash of its config, bound to this chain and this contract.
    function channelId(ChannelConfig calldata config) external view returns (bytes32) {
        return _idOf(config);
    }

    /// @notice The digest that `payerAuthorizer` signs.
    function voucherDigest(bytes32 id, uint128 maxClaimableAmount) external view returns (bytes32) {
        return _voucherDigest(id, maxClaimableAmount);
    }

    function channel(bytes32 id) external view returns (ChannelState memory) {
        Slot memory slot = slots[id];
        return ChannelState(slot.deposit, slot.settled, slot.withdrawAt, slot.status);
    }

    /// @notice What `receiver` may withdraw by `withdrawEarned`.
    function earned(address receiver) external view returns (uint256) {
        return earnedOf[receiver];
    }

    /// @notice The free balance of `payer`.
    function balanceOf(address payer) external view returns (uint256) {
        return freeOf[payer];
    }

    function domainSeparator() external view returns (bytes32) {
        return _domainSeparator();
    }

    /* INTERNAL */

    function _open(ChannelConfig calldata config, uint256 amount) internal returns (bytes32 id) {
        if (msg.sender != config.payer) revert NotPayer(msg.sender);
        if (config.token != TOKEN) revert WrongToken(config.token, TOKEN);
        if (config.payerAuthorizer == address(0) || config.receiver == address(0)) revert ZeroAddress();
        if (config.withdrawDelay < MIN_WITHDRAW_DELAY || config.withdrawDelay > MAX_WITHDRAW_DELAY) {
            revert DelayOutOfRange(config.withdrawDelay, MIN_WITHDRAW_DELAY, MAX_WITHDRAW_DELAY);
        }
        if (amount == 0) revert ZeroAmount();
        id = _idOf(config);
        uint8 status = slots[id].status;
        if (status != NONE) revert ChannelExists(id, status);

        slots[id] = Slot(_toUint96(amount), 0, 0, OPEN);
        emit ChannelOpened(
            id,
            config.payer,
            config.receiver,
            config.payerAuthorizer,
            config.receiverAuthorizer,
            config.withdrawDelay,
            config.salt,
            amount
        );
    }

    function _topUp(ChannelConfig calldata config, uint256 amount) internal {
        (bytes32 id, Slot memory slot) = _loadOpen(config);
        if (amount == 0) revert ZeroAmount();
        slots[id].deposit = _toUint96(slot.deposit + amount);
        emit ToppedUp(id, msg.sender, amount);
    }

    /// @dev Everything that must hold before a voucher is redeemed. Returns instead of reverting, because a batch goes
    /// on; the signature comes last, being the dearest.
    function _check(ChannelConfig calldata config, uint128 amount, bytes calldata signature)
        internal
        view
        returns (bytes32 id, Slot memory slot, uint8 reason)
    {
        id = _idOf(config);
        slot = slots[id];
        if (slot.status != OPEN) return (id, slot, SKIP_NOT_OPEN);
        if (amount <= slot.settled) return (id, slot, SKIP_NOT_ABOVE_SETTLED);
        if (amount > slot.deposit) return (id, slot, SKIP_ABOVE_DEPOSIT);
        // An unrecoverable signature gives the zero address, which no open channel has as its authorizer.
        address signer = ECDSA.tryRecoverCalldata(_voucherDigest(id, amount), signature);
        if (signer != config.payerAuthorizer) return (id, slot, SKIP_BAD_SIGNATURE);
    }

    /// @dev Advances the slot in memory to a checked voucher; the caller stores it.
    function _settle(bytes32 id, Slot memory slot, address receiver, uint128 amount)
        internal
        returns (uint256 credited)
    {
        credited = amount - slot.settled;
        // Safe cast: amount <= deposit < 2^96.
        slot.settled = uint96(amount);
        emit Claimed(id, receiver, amount, credited);
    }

    function _revertFor(uint8 reason, bytes32 id, Slot memory slot, uint128 amount) internal pure {
        if (reason == SKIP_NOT_OPEN) revert ChannelNotOpen(id, slot.status);
        if (reason == SKIP_NOT_ABOVE_SETTLED) revert NotAboveSettled(id, amount, slot.settled);
        if (reason == SKIP_ABOVE_DEPOSIT) revert AboveDeposit(id, amount, slot.deposit);
        revert BadSignature(id);
    }

    function _close(bytes32 id, Slot memory slot, address payer) internal {
        uint256 returned = slot.deposit - slot.settled;
        slots[id] = Slot(slot.settled, slot.settled, 0, CLOSED);
        if (returned != 0) freeOf[payer] += returned;
        emit ChannelClosed(id, payer, slot.settled, returned);
    }

    function _loadOpen(ChannelConfig calldata config) internal view returns (bytes32 id, Slot memory slot) {
        id = _idOf(config);
        slot = slots[id];
        if (slot.status != OPEN) revert ChannelNotOpen(id, slot.status);
    }

    function _onlyReceiver(ChannelConfig calldata config) internal view {
        if (msg.sender != config.receiver && msg.sender != config.receiverAuthorizer) revert NotReceiver(msg.sender);
    }

    function _debit(address payer, uint256 amount) internal {
        uint256 balance = freeOf[payer];
        if (amount > balance) revert InsufficientBalance(payer, balance, amount);
        unchecked {
            freeOf[payer] = balance - amount;
        }
    }

    /// @dev Takes exactly `amount` from the caller. The state is written before this call: a token that called back
    /// would meet finished books, and a short transfer undoes them.
    function _pull(uint256 amount) internal {
        uint256 before = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = TOKEN.balanceOf(address(this)) - before;
        if (received != amount) revert TransferMismatch(amount, received);
    }

    function _idOf(ChannelConfig calldata config) internal view returns (bytes32) {
        return _hashTypedData(keccak256(abi.encode(CHANNEL_CONFIG_TYPEHASH, config)));
    }

    function _voucherDigest(bytes32 id, uint128 amount) internal view returns (bytes32) {
        return _hashTypedData(keccak256(abi.encode(VOUCHER_TYPEHASH, id, amount)));
    }

    function _toUint96(uint256 amount) internal pure returns (uint96) {
        if (amount > type(uint96).max) revert AmountTooWide(amount);
        return uint96(amount);
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("x402 Batch Settlement", "1");
    }
}
