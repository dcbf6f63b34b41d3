// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "solady/src/utils/ECDSA.sol";
import {ReentrancyGuardTransient} from "solady/src/utils/ReentrancyGuardTransient.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {SignatureCheckerLib} from "solady/src/utils/SignatureCheckerLib.sol";
import {ChannelConfig} from "../Channels.sol";

/// @notice A promise to pay up to an amount in all.
struct Voucher {
    ChannelConfig channel;
    uint128 maxClaimableAmount;
}

/// @notice A voucher, and how much of it the receiver takes.
struct VoucherClaim {
    Voucher voucher;
    bytes signature;
    uint128 totalClaimed;
}

/// @notice Brings the tokens of a deposit in.
interface IDepositCollector {
    function collect(address token, address payer, bytes32 channelId, uint256 amount, bytes calldata data) external;
}

/// @title X402BatchSettlementStandIn
/// @notice STAND-IN, for local chains only. x402's `batch-settlement` scheme expects its own contract at one address on
/// every chain, and a local chain has none. This one has the same functions and the same EIP-712 types, so that the
/// scheme's clients can be tried; it is not that contract, and nobody has audited it.
/// @dev Placed at the canonical address by `anvil_setCode`, so that it has no constructor and no immutables. The domain is
/// computed at each call for that reason.
contract X402BatchSettlementStandIn is ReentrancyGuardTransient {
    using SafeTransferLib for address;

    uint40 internal constant MIN_WITHDRAW_DELAY = 15 minutes;
    uint40 internal constant MAX_WITHDRAW_DELAY = 30 days;

    bytes32 internal constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 public constant CHANNEL_CONFIG_TYPEHASH = keccak256(
        "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)"
    );
    bytes32 internal constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");
    bytes32 internal constant REFUND_TYPEHASH = keccak256("Refund(bytes32 channelId,uint256 nonce,uint128 amount)");
    bytes32 internal constant CLAIM_BATCH_TYPEHASH = keccak256(
        "ClaimBatch(ClaimEntry[] claims)ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)"
    );
    bytes32 internal constant CLAIM_ENTRY_TYPEHASH =
        keccak256("ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)");

    /// @notice Everything paid in less what was taken back; what was claimed stays counted.
    struct Balance {
        uint128 balance;
        uint128 totalClaimed;
    }

    struct Withdrawal {
        uint128 amount;
        uint40 initiatedAt;
    }

    struct Receiver {
        uint128 totalClaimed;
        uint128 totalSettled;
    }

    mapping(bytes32 channelId => Balance) public channels;
    mapping(bytes32 channelId => Withdrawal) public pendingWithdrawals;
    mapping(bytes32 channelId => uint256) public refundNonce;
    mapping(address receiver => mapping(address token => Receiver)) public receivers;

    event Deposited(bytes32 indexed channelId, address indexed sender, uint128 amount);
    event Claimed(bytes32 indexed channelId, address indexed sender, uint128 totalClaimed);
    event Settled(address indexed receiver, address indexed token, address indexed sender, uint128 amount);
    event WithdrawalInitiated(bytes32 indexed channelId, uint128 amount);
    event TakenBack(bytes32 indexed channelId, uint128 amount);

    error InvalidConfig();
    error InvalidSignature();
    error ShortDeposit(uint256 received, uint256 expected);
    error AboveVoucher(uint256 totalClaimed, uint256 maxClaimableAmount);
    error AboveBalance(uint256 amount, uint256 available);
    error NotAuthorized(address caller);
    error NothingPending();
    error TooEarly(uint256 dueAt);
    error WrongNonce(uint256 given, uint256 expected);

    /* PAYING IN */

    /// @notice Adds `amount` to a channel. The collector says where it comes from; only what arrives counts. An exit that
    /// was announced stays announced, since anybody may call this.
    function deposit(ChannelConfig calldata config, uint128 amount, address collector, bytes calldata collectorData)
        external
        nonReentrant
    {
        if (
            config.payer == address(0) || config.receiver == address(0) || config.receiverAuthorizer == address(0)
                || config.withdrawDelay < MIN_WITHDRAW_DELAY || config.withdrawDelay > MAX_WITHDRAW_DELAY
        ) revert InvalidConfig();
        bytes32 id = getChannelId(config);
        uint256 before = config.token.balanceOf(address(this));
        IDepositCollector(collector).collect(config.token, config.payer, id, amount, collectorData);
        uint256 received = config.token.balanceOf(address(this)) - before;
        if (received != amount) revert ShortDeposit(received, amount);
        channels[id].balance += amount;
        emit Deposited(id, msg.sender, amount);
    }

    /* EARNING */

    /// @notice Books vouchers for their receivers. Only the receiver or its authorizer.
    function claim(VoucherClaim[] calldata voucherClaims) external {
        for (uint256 i; i < voucherClaims.length; ++i) {
            ChannelConfig calldata config = voucherClaims[i].voucher.channel;
            if (msg.sender != config.receiverAuthorizer && msg.sender != config.receiver) {
                revert NotAuthorized(msg.sender);
            }
            _claim(voucherClaims[i]);
        }
    }

    /// @notice As `claim`, by the signature of the authorizer that all the channels share; anyone may send it.
    function claimWithSignature(VoucherClaim[] calldata voucherClaims, bytes calldata authorizerSignature) external {
        bytes32 digest = getClaimBatchDigest(voucherClaims);
        for (uint256 i; i < voucherClaims.length; ++i) {
            _checkSignature(voucherClaims[i].voucher.channel.receiverAuthorizer, digest, authorizerSignature);
            _claim(voucherClaims[i]);
        }
    }

    /// @notice Pays a receiver everything that was booked for it.
    function settle(address receiver, address token) external nonReentrant {
        Receiver storage sums = receivers[receiver][token];
        uint128 amount = sums.totalClaimed - sums.totalSettled;
        sums.totalSettled = sums.totalClaimed;
        emit Settled(receiver, token, msg.sender, amount);
        if (amount != 0) token.safeTransfer(receiver, amount);
    }

    /* LEAVING */

    /// @notice Announces that the payer takes `amount` back. Only the payer.
    function initiateWithdraw(ChannelConfig calldata config, uint128 amount) external {
        if (msg.sender != config.payer) revert NotAuthorized(msg.sender);
        bytes32 id = getChannelId(config);
        pendingWithdrawals[id] = Withdrawal(amount, uint40(block.timestamp));
        emit WithdrawalInitiated(id, amount);
    }

    /// @notice Pays out what was announced and is not claimed by now. Anyone, once the delay is over.
    function finalizeWithdraw(ChannelConfig calldata config) external nonReentrant {
        bytes32 id = getChannelId(config);
        Withdrawal memory pending = pendingWithdrawals[id];
        if (pending.initiatedAt == 0) revert NothingPending();
        uint256 dueAt = uint256(pending.initiatedAt) + config.withdrawDelay;
        if (block.timestamp < dueAt) revert TooEarly(dueAt);
        delete pendingWithdrawals[id];
        uint128 free = channels[id].balance - channels[id].totalClaimed;
        _takeBack(config, id, pending.amount < free ? pending.amount : free);
    }

    /// @notice Gives the payer back `amount` at once. Only the receiver or its authorizer.
    function refund(ChannelConfig calldata config, uint128 amount) external nonReentrant {
        if (msg.sender != config.receiverAuthorizer && msg.sender != config.receiver) revert NotAuthorized(msg.sender);
        _takeBack(config, getChannelId(config), amount);
    }

    /// @notice As `refund`, by the authorizer's signature; anyone may send it.
    function refundWithSignature(
        ChannelConfig calldata config,
        uint128 amount,
        uint256 nonce,
        bytes calldata receiverAuthorizerSignature
    ) external nonReentrant {
        bytes32 id = getChannelId(config);
        if (nonce != refundNonce[id]) revert WrongNonce(nonce, refundNonce[id]);
        _checkSignature(config.receiverAuthorizer, getRefundDigest(id, nonce, amount), receiverAuthorizerSignature);
        ++refundNonce[id];
        _takeBack(config, id, amount);
    }

    /// @notice Several calls in one transaction.
    function multicall(bytes[] calldata data) external returns (bytes[] memory results) {
        results = new bytes[](data.length);
        for (uint256 i; i < data.length; ++i) {
            (bool ok, bytes memory result) = address(this).delegatecall(data[i]);
            if (!ok) {
                // As the call itself would have failed.
                assembly ("memory-safe") {
                    revert(add(result, 0x20), mload(result))
                }
            }
            results[i] = result;
        }
    }

    /* DIGESTS */

    /// @notice The channel's id: the EIP-712 digest of its config.
    function getChannelId(ChannelConfig memory config) public view returns (bytes32) {
        return _digest(keccak256(abi.encode(CHANNEL_CONFIG_TYPEHASH, config)));
    }

    function getVoucherDigest(bytes32 channelId, uint128 maxClaimableAmount) public view returns (bytes32) {
        return _digest(keccak256(abi.encode(VOUCHER_TYPEHASH, channelId, maxClaimableAmount)));
    }

    function getRefundDigest(bytes32 channelId, uint256 nonce, uint128 amount) public view returns (bytes32) {
        return _digest(keccak256(abi.encode(REFUND_TYPEHASH, channelId, nonce, amount)));
    }

    function getClaimBatchDigest(VoucherClaim[] calldata voucherClaims) public view returns (bytes32) {
        bytes32[] memory entries = new bytes32[](voucherClaims.length);
        for (uint256 i; i < voucherClaims.length; ++i) {
            VoucherClaim calldata one = voucherClaims[i];
            entries[i] = keccak256(
                abi.encode(
                    CLAIM_ENTRY_TYPEHASH,
                    getChannelId(one.voucher.channel),
                    one.voucher.maxClaimableAmount,
                    one.totalClaimed
                )
            );
        }
        return _digest(keccak256(abi.encode(CLAIM_BATCH_TYPEHASH, keccak256(abi.encodePacked(entries)))));
    }

    /* INSIDE */

    function _claim(VoucherClaim calldata one) internal {
        ChannelConfig calldata config = one.voucher.channel;
        bytes32 id = getChannelId(config);
        uint128 max = one.voucher.maxClaimableAmount;
        if (one.totalClaimed > max) revert AboveVoucher(one.totalClaimed, max);
        Balance storage channel = channels[id];
        if (one.totalClaimed > channel.balance) revert AboveBalance(one.totalClaimed, channel.balance);
        bytes32 digest = getVoucherDigest(id, max);
        if (config.payerAuthorizer == address(0)) {
            _checkSignature(config.payer, digest, one.signature);
        } else if (ECDSA.tryRecoverCalldata(digest, one.signature) != config.payerAuthorizer) {
            revert InvalidSignature();
        }
        // Claimed by somebody else in between: nothing is left to book, and the others of the batch count.
        if (one.totalClaimed <= channel.totalClaimed) return;
        receivers[config.receiver][config.token].totalClaimed += one.totalClaimed - channel.totalClaimed;
        channel.totalClaimed = one.totalClaimed;
        emit Claimed(id, msg.sender, one.totalClaimed);
    }

    function _takeBack(ChannelConfig calldata config, bytes32 id, uint128 amount) internal {
        Balance storage channel = channels[id];
        uint128 free = channel.balance - channel.totalClaimed;
        if (amount > free) revert AboveBalance(amount, free);
        channel.balance -= amount;
        emit TakenBack(id, amount);
        if (amount != 0) config.token.safeTransfer(config.payer, amount);
    }

    function _checkSignature(address signer, bytes32 digest, bytes calldata signature) internal view {
        if (!SignatureCheckerLib.isValidSignatureNowCalldata(signer, digest, signature)) revert InvalidSignature();
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPEHASH, keccak256("x402 Batch Settlement"), keccak256("1"), block.chainid, address(this)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}
