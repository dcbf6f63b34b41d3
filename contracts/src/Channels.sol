// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "solady/src/utils/ECDSA.sol";
import {EIP712} from "solady/src/utils/EIP712.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {ChannelSlot, ChannelSlotLib} from "./types/ChannelSlot.sol";
import {Authorization, ISignedToken, TokenIn} from "./types/TokenIn.sol";

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
///   token -------deposit(...)-> free balance <--refund, claimAndClose, finalizeWithdraw-- escrow
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
    using TokenIn for address;

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

    /// @dev Positions of a config's members, in bytes.
    uint256 internal constant PAYER = 0x00;
    uint256 internal constant PAYER_AUTHORIZER = 0x20;
    uint256 internal constant RECEIVER = 0x40;
    uint256 internal constant RECEIVER_AUTHORIZER = 0x60;
    uint256 internal constant TOKEN_WORD = 0x80;
    uint256 internal constant WITHDRAW_DELAY = 0xa0;

    /// @notice Reasons in `ClaimSkipped`, in the order in which they are checked.
    uint256 public constant SKIP_NOT_OPEN = 1;
    uint256 public constant SKIP_NOT_ABOVE_SETTLED = 2;
    uint256 public constant SKIP_ABOVE_DEPOSIT = 3;
    uint256 public constant SKIP_BAD_SIGNATURE = 4;

    /// @notice The only token held here.
    address public immutable TOKEN;

    /// @notice Shortest notice that a payer can agree to give. x402 says 15 minutes; a local network may choose less to
    /// keep demonstrations short.
    /// @dev Warning: a receiver that is offline for longer than a channel's delay can lose what it has not claimed.
    uint40 public immutable MIN_WITHDRAW_DELAY;

    /* STORAGE */

    mapping(bytes32 id => ChannelSlot) internal slots;
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
        uint256 withdrawDelay,
        bytes32 salt,
        uint256 amount
    );
    event ToppedUp(bytes32 indexed channelId, address indexed from, uint256 amount);
    /// @dev The receiver is in `ChannelOpened`, which always comes before.
    /// @param settled The channel's new cumulative total.
    /// @param amount What this claim added to it.
    event Claimed(bytes32 indexed channelId, uint256 settled, uint256 amount);
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
    /// @notice Tokens sent there would be lost.
    error InvalidRecipient(address to);
    /// @notice The amount does not fit the channel's 96 bits.
    error AmountTooWide(uint256 amount);
    error InsufficientBalance(address payer, uint256 balance, uint256 needed);
    error WrongToken(address token, address expected);
    /// @notice An address in the config has bits set above its 160.
    error MalformedConfig();
    error DelayOutOfRange(uint256 withdrawDelay, uint256 min, uint256 max);
    error DelayBoundOutOfRange(uint256 min, uint256 max);
    error NotPayer(address caller);
    error NotReceiver(address caller);
    /// @notice The id is open or was closed; ids are never used twice.
    error ChannelExists(bytes32 channelId, uint256 status);
    error ChannelNotOpen(bytes32 channelId, uint256 status);
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
        TOKEN.take(amount);
    }

    /// @notice Pays `amount` of the payer's tokens into its free balance by its signature alone; anyone may relay it, so
    /// that a payer needs no gas. What is signed is an EIP-3009 `ReceiveWithAuthorization` to this contract with the nonce
    /// `depositNonce(payer, amount, by.salt)`.
    function depositWithAuthorization(address payer, uint256 amount, Authorization calldata by) external {
        if (payer == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        freeOf[payer] += amount;
        emit Deposited(payer, payer, amount);
        TOKEN.takeSigned(payer, amount, depositNonce(payer, amount, by.salt), by);
    }

    /// @notice Pays `amount` of the caller's tokens into its own free balance, approved by its EIP-2612 permit.
    /// @dev A permit that somebody else sent first has done its work already; so its failure is no reason to stop, and
    /// the transfer tells whether enough is approved.
    function depositWithPermit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external {
        if (amount == 0) revert ZeroAmount();
        try ISignedToken(TOKEN).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        freeOf[msg.sender] += amount;
        emit Deposited(msg.sender, msg.sender, amount);
        TOKEN.take(amount);
    }

    /// @notice Sends `amount` of the caller's free balance to `to`.
    function withdraw(uint256 amount, address to) external {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(to);
        if (amount == 0) revert ZeroAmount();
        _debit(msg.sender, amount);
        emit Withdrawn(msg.sender, to, amount);
        TOKEN.safeTransfer(to, amount);
    }

    /* OPENING */

    /// @notice Opens a channel with `amount` of the caller's tokens. The caller must be the payer.
    function open(ChannelConfig calldata config, uint256 amount) external {
        _open(config, amount);
        TOKEN.take(amount);
    }

    /// @notice Opens a channel with `amount` of the caller's free balance. The caller must be the payer.
    function openFromBalance(ChannelConfig calldata config, uint256 amount) external {
        _debit(msg.sender, amount);
        _open(config, amount);
    }

    /// @notice Adds `amount` of the caller's tokens to an open channel.
    /// @dev Anyone may call it, so it touches neither a pending withdrawal nor anything else but the deposit. What a
    /// stranger adds is the payer's from then on.
    function topUp(ChannelConfig calldata config, uint256 amount) external {
        _topUp(config, amount);
        TOKEN.take(amount);
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
        (bytes32 id, ChannelSlot slot, uint256 reason) =
            _check(_domainSeparator(), config, maxClaimableAmount, signature);
        if (reason != 0) _revertFor(reason, id, slot, maxClaimableAmount);
        earnedOf[config.receiver] += _settle(id, slot, maxClaimableAmount);
    }

    /// @notice Redeems many vouchers. A voucher that `claim` would refuse is skipped and reported by `ClaimSkipped`; it
    /// never stops the others. The outcome is that of claiming each good one in order.
    /// @return credited Units added to `earned`, over all receivers.
    /// @return skipped Number of vouchers left out.
    function claimBatch(Claim[] calldata claims) external returns (uint256 credited, uint256 skipped) {
        bytes32 separator = _domainSeparator();
        // Vouchers of one receiver usually stand together: what they add is written once.
        address receiver;
        uint256 pending;
        for (uint256 i; i < claims.length; ++i) {
            Claim calldata item = claims[i];
            ChannelConfig calldata config = item.config;
            uint128 amount = item.maxClaimableAmount;
            (bytes32 id, ChannelSlot slot, uint256 reason) = _check(separator, config, amount, item.signature);
            if (reason != 0) {
                ++skipped;
                emit ClaimSkipped(i, id, uint8(reason));
                continue;
            }
            address next = address(uint160(_word(config, RECEIVER)));
            if (next != receiver) {
                if (pending != 0) earnedOf[receiver] += pending;
                credited += pending;
                pending = 0;
                receiver = next;
            }
            // No overflow: each addend is below 2^96.
            unchecked {
                pending += _settle(id, slot, amount);
            }
        }
        if (pending != 0) earnedOf[receiver] += pending;
        credited += pending;
    }

    /// @notice Redeems the last voucher, returns the rest to the payer's free balance and closes the channel. Only the
    /// receiver or its authorizer.
    /// @param maxClaimableAmount The voucher's amount; if it equals what is settled already, nothing is redeemed and
    /// the signature is not read.
    function claimAndClose(ChannelConfig calldata config, uint128 maxClaimableAmount, bytes calldata signature)
        external
    {
        _onlyReceiver(config);
        (bytes32 id, ChannelSlot slot, uint256 reason) =
            _check(_domainSeparator(), config, maxClaimableAmount, signature);
        if (reason == 0) {
            uint256 amount = maxClaimableAmount - slot.settled();
            earnedOf[config.receiver] += amount;
            emit Claimed(id, maxClaimableAmount, amount);
        } else if (reason != SKIP_NOT_ABOVE_SETTLED || maxClaimableAmount != slot.settled()) {
            _revertFor(reason, id, slot, maxClaimableAmount);
        }
        _close(id, slot.deposit(), maxClaimableAmount, config.payer);
    }

    /// @notice Sends everything that the caller has earned to `to`.
    function withdrawEarned(address to) external returns (uint256 amount) {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(to);
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
        if (amount == 0) revert ZeroAmount();
        (bytes32 id, ChannelSlot slot) = _loadOpen(config);
        uint256 unclaimed = slot.deposit() - slot.settled();
        if (amount > unclaimed) revert RefundAboveUnclaimed(id, amount, unclaimed);
        slots[id] = ChannelSlotLib.pack(slot.deposit() - amount, slot.settled(), slot.withdrawAt(), ChannelSlotLib.OPEN);
        freeOf[config.payer] += amount;
        emit Refunded(id, config.payer, amount);
    }

    /// @notice Announces the payer's exit. The receiver can claim until somebody completes it. Only the payer or its
    /// authorizer.
    function initiateWithdraw(ChannelConfig calldata config) external {
        if (msg.sender != config.payer && msg.sender != config.payerAuthorizer) revert NotPayer(msg.sender);
        (bytes32 id, ChannelSlot slot) = _loadOpen(config);
        if (slot.withdrawAt() != 0) revert WithdrawPending(id, slot.withdrawAt());
        uint256 withdrawAt = block.timestamp + config.withdrawDelay;
        slots[id] = ChannelSlotLib.pack(slot.deposit(), slot.settled(), withdrawAt, ChannelSlotLib.OPEN);
        emit WithdrawInitiated(id, msg.sender, withdrawAt);
    }

    /// @notice Completes an announced exit: returns the unclaimed escrow to the payer's free balance and closes the
    /// channel. Anyone may call it once the delay is over.
    function finalizeWithdraw(ChannelConfig calldata config) external {
        (bytes32 id, ChannelSlot slot) = _loadOpen(config);
        uint256 withdrawAt = slot.withdrawAt();
        if (withdrawAt == 0) revert WithdrawNotInitiated(id);
        if (block.timestamp < withdrawAt) revert WithdrawTooEarly(id, withdrawAt);
        _close(id, slot.deposit(), slot.settled(), config.payer);
    }

    /* VIEWS */

    /// @notice The channel's id: the EIP-712 hash of its config, bound to this chain and this contract.
    function channelId(ChannelConfig calldata config) external view returns (bytes32) {
        return _idOf(_domainSeparator(), config);
    }

    /// @notice The digest that `payerAuthorizer` signs.
    function voucherDigest(bytes32 id, uint128 maxClaimableAmount) external view returns (bytes32) {
        return _voucherDigest(_domainSeparator(), id, maxClaimableAmount);
    }

    /// @notice The EIP-3009 nonce of a deposit by signature.
    function depositNonce(address payer, uint256 amount, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(payer, amount, salt));
    }

    function channel(bytes32 id) external view returns (ChannelState memory) {
        ChannelSlot slot = slots[id];
        return ChannelState(slot.deposit(), slot.settled(), slot.withdrawAt(), uint8(slot.status()));
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

    function _open(ChannelConfig calldata config, uint256 amount) internal {
        // Whole words, so that the checks below also refuse stray high bits: each word that takes part in the id is
        // compared with something narrower, here or by its bound.
        uint256 payerAuthorizer = _word(config, PAYER_AUTHORIZER);
        uint256 receiver = _word(config, RECEIVER);
        uint256 receiverAuthorizer = _word(config, RECEIVER_AUTHORIZER);
        uint256 delay = _word(config, WITHDRAW_DELAY);
        if (_word(config, PAYER) != uint160(msg.sender)) revert NotPayer(msg.sender);
        if (_word(config, TOKEN_WORD) != uint160(TOKEN)) revert WrongToken(config.token, TOKEN);
        if ((payerAuthorizer | receiver | receiverAuthorizer) >> 160 != 0) revert MalformedConfig();
        if (payerAuthorizer == 0 || receiver == 0) revert ZeroAddress();
        if (delay < MIN_WITHDRAW_DELAY || delay > MAX_WITHDRAW_DELAY) {
            revert DelayOutOfRange(delay, MIN_WITHDRAW_DELAY, MAX_WITHDRAW_DELAY);
        }
        if (amount == 0) revert ZeroAmount();
        if (amount > type(uint96).max) revert AmountTooWide(amount);
        bytes32 id = _idOf(_domainSeparator(), config);
        uint256 status = slots[id].status();
        if (status != ChannelSlotLib.NONE) revert ChannelExists(id, status);

        slots[id] = ChannelSlotLib.pack(amount, 0, 0, ChannelSlotLib.OPEN);
        emit ChannelOpened(
            id,
            msg.sender,
            address(uint160(receiver)),
            address(uint160(payerAuthorizer)),
            address(uint160(receiverAuthorizer)),
            delay,
            config.salt,
            amount
        );
    }

    function _topUp(ChannelConfig calldata config, uint256 amount) internal {
        if (amount == 0) revert ZeroAmount();
        (bytes32 id, ChannelSlot slot) = _loadOpen(config);
        if (amount > type(uint96).max) revert AmountTooWide(amount);
        uint256 total = slot.deposit() + amount;
        if (total > type(uint96).max) revert AmountTooWide(total);
        slots[id] = ChannelSlotLib.pack(total, slot.settled(), slot.withdrawAt(), ChannelSlotLib.OPEN);
        emit ToppedUp(id, msg.sender, amount);
    }

    /// @dev Everything that must hold before a voucher is redeemed. Returns instead of reverting, because a batch goes
    /// on; the signature comes last, being the dearest.
    function _check(bytes32 separator, ChannelConfig calldata config, uint128 amount, bytes calldata signature)
        internal
        view
        returns (bytes32 id, ChannelSlot slot, uint256 reason)
    {
        id = _idOf(separator, config);
        slot = slots[id];
        if (slot.status() != ChannelSlotLib.OPEN) return (id, slot, SKIP_NOT_OPEN);
        if (amount <= slot.settled()) return (id, slot, SKIP_NOT_ABOVE_SETTLED);
        if (amount > slot.deposit()) return (id, slot, SKIP_ABOVE_DEPOSIT);
        // An unrecoverable signature gives the zero address, which no open channel has as its authorizer.
        address signer = ECDSA.tryRecoverCalldata(_voucherDigest(separator, id, amount), signature);
        if (uint160(signer) != _word(config, PAYER_AUTHORIZER)) return (id, slot, SKIP_BAD_SIGNATURE);
    }

    /// @dev Stores a checked voucher: `settled < amount <= deposit < 2^96`.
    function _settle(bytes32 id, ChannelSlot slot, uint256 amount) internal returns (uint256 credited) {
        unchecked {
            credited = amount - slot.settled();
        }
        slots[id] = slot.withSettled(amount);
        emit Claimed(id, amount, credited);
    }

    function _revertFor(uint256 reason, bytes32 id, ChannelSlot slot, uint128 amount) internal pure {
        if (reason == SKIP_NOT_OPEN) revert ChannelNotOpen(id, slot.status());
        if (reason == SKIP_NOT_ABOVE_SETTLED) revert NotAboveSettled(id, amount, slot.settled());
        if (reason == SKIP_ABOVE_DEPOSIT) revert AboveDeposit(id, amount, slot.deposit());
        revert BadSignature(id);
    }

    /// @dev The tombstone keeps what was settled, so that the total stays readable.
    function _close(bytes32 id, uint256 deposited, uint256 settled, address payer) internal {
        uint256 returned = deposited - settled;
        slots[id] = ChannelSlotLib.pack(settled, settled, 0, ChannelSlotLib.CLOSED);
        if (returned != 0) freeOf[payer] += returned;
        emit ChannelClosed(id, payer, settled, returned);
    }

    function _loadOpen(ChannelConfig calldata config) internal view returns (bytes32 id, ChannelSlot slot) {
        id = _idOf(_domainSeparator(), config);
        slot = slots[id];
        if (slot.status() != ChannelSlotLib.OPEN) revert ChannelNotOpen(id, slot.status());
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

    /// @dev One word of a config, unchecked; the compiler's own reads check it and cost some 100 gas each. The words of
    /// an open channel were checked when it was opened.
    function _word(ChannelConfig calldata config, uint256 offset) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(config, offset))
        }
    }

    /// @dev `keccak256(0x1901 || separator || keccak256(abi.encode(CHANNEL_CONFIG_TYPEHASH, config)))`, with the config's
    /// seven words copied as they came: one with stray high bits makes another id, and no such channel can be opened.
    function _idOf(bytes32 separator, ChannelConfig calldata config) internal pure returns (bytes32 id) {
        bytes32 typeHash = CHANNEL_CONFIG_TYPEHASH;
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, typeHash)
            calldatacopy(add(m, 0x20), config, 0xe0)
            id := keccak256(m, 0x100)
        }
        return _typedDigest(separator, id);
    }

    function _voucherDigest(bytes32 separator, bytes32 id, uint128 amount) internal pure returns (bytes32 digest) {
        bytes32 typeHash = VOUCHER_TYPEHASH;
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, typeHash)
            mstore(add(m, 0x20), id)
            mstore(add(m, 0x40), amount)
            digest := keccak256(m, 0x60)
        }
        return _typedDigest(separator, digest);
    }

    function _typedDigest(bytes32 separator, bytes32 structHash) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, hex"1901")
            mstore(add(m, 0x02), separator)
            mstore(add(m, 0x22), structHash)
            digest := keccak256(m, 0x42)
        }
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("x402 Batch Settlement", "1");
    }
}
