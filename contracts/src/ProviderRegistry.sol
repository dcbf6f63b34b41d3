// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EnumerableSetLib} from "solady/src/utils/EnumerableSetLib.sol";

/// @title ProviderRegistry
/// @notice The public list of who serves and who audits: for each operator (the account that registers) its role, the
/// key that signs its receipts, its peer id, a hint where to find it, and the runtime classes it offers.
///
/// A receipt key belongs to the first operator that registers it, for ever: receipts outlive registrations, and must
/// stay attributable. A peer id belongs to one operator at a time.
/// @dev Warning: an entry is a claim. Nothing here proves that the operator holds the peer's key or the receipt key;
/// peers prove the first in their handshake, receipts prove the second. Somebody who registers a stranger's key or
/// peer id gains nothing by it, and costs the stranger the making of a new key.
contract ProviderRegistry {
    using EnumerableSetLib for EnumerableSetLib.AddressSet;

    /// @notice One entry, as `operator` and `list` return it.
    /// @param role 0 not registered, 1 provider, 2 validator.
    /// @param registeredAt Unix second of the registration.
    struct Operator {
        address operator;
        address receiptKey;
        uint8 role;
        uint40 registeredAt;
        bytes peerId;
        string endpointHint;
        bytes32[] classIds;
    }

    /* CONSTANTS */

    uint8 public constant ROLE_PROVIDER = 1;
    uint8 public constant ROLE_VALIDATOR = 2;

    /// @notice Longest peer id in bytes. An Ed25519 libp2p id has 38, an RSA or secp256k1 one at most 39.
    uint256 public constant MAX_PEER_ID_BYTES = 64;
    /// @notice Longest endpoint hint in bytes: room for a few multiaddresses.
    uint256 public constant MAX_HINT_BYTES = 512;
    /// @notice Most runtime classes one operator lists here; signed offers have no such limit.
    uint256 public constant MAX_CLASSES = 64;

    /* STORAGE */

    mapping(address operator => Operator) internal entries;
    mapping(bytes32 peerIdHash => address operator) internal operatorOfPeer;
    mapping(address receiptKey => address operator) internal operatorOfKey;
    EnumerableSetLib.AddressSet internal operators;

    /* EVENTS */

    event Registered(
        address indexed operator, uint8 indexed role, address indexed receiptKey, bytes peerId, string endpointHint
    );
    event Updated(
        address indexed operator, uint8 indexed role, address indexed receiptKey, bytes peerId, string endpointHint
    );
    event Deregistered(address indexed operator, uint8 indexed role, address indexed receiptKey);
    event ClassesSet(address indexed operator, bytes32[] classIds);

    /* ERRORS */

    error UnknownRole(uint8 role);
    error ZeroReceiptKey();
    error PeerIdLength(uint256 length, uint256 max);
    error HintTooLong(uint256 length, uint256 max);
    error TooManyClasses(uint256 count, uint256 max);
    error AlreadyRegistered(address operator);
    error NotRegistered(address operator);
    error ReceiptKeyTaken(address receiptKey, address operator);
    error PeerIdTaken(bytes peerId, address operator);

    /* REGISTRATION */

    /// @notice Registers the caller.
    /// @param role 1 provider, 2 validator. To change it, deregister first.
    function register(uint8 role, address receiptKey, bytes calldata peerId, string calldata endpointHint) external {
        if (role != ROLE_PROVIDER && role != ROLE_VALIDATOR) revert UnknownRole(role);
        Operator storage entry = entries[msg.sender];
        if (entry.role != 0) revert AlreadyRegistered(msg.sender);
        _set(entry, receiptKey, peerId, endpointHint);

        entry.operator = msg.sender;
        entry.role = role;
        entry.registeredAt = uint40(block.timestamp);
        operators.add(msg.sender);
        emit Registered(msg.sender, role, receiptKey, peerId, endpointHint);
    }

    /// @notice Replaces the caller's receipt key, peer id and hint. The former receipt key stays the caller's.
    function update(address receiptKey, bytes calldata peerId, string calldata endpointHint) external {
        Operator storage entry = _registered(msg.sender);
        delete operatorOfPeer[keccak256(entry.peerId)];
        _set(entry, receiptKey, peerId, endpointHint);
        emit Updated(msg.sender, entry.role, receiptKey, peerId, endpointHint);
    }

    /// @notice Removes the caller from the list and frees its peer id. Bonded stake is not touched.
    function deregister() external {
        Operator storage entry = _registered(msg.sender);
        (uint8 role, address receiptKey) = (entry.role, entry.receiptKey);
        delete operatorOfPeer[keccak256(entry.peerId)];
        delete entries[msg.sender];
        operators.remove(msg.sender);
        emit Deregistered(msg.sender, role, receiptKey);
    }

    /// @notice Replaces the list of runtime classes that the caller offers or audits.
    function setClasses(bytes32[] calldata classIds) external {
        Operator storage entry = _registered(msg.sender);
        if (classIds.length > MAX_CLASSES) revert TooManyClasses(classIds.length, MAX_CLASSES);
        entry.classIds = classIds;
        emit ClassesSet(msg.sender, classIds);
    }

    /* VIEWS */

    /// @notice The entry of `who`; all zero if it is not registered.
    function byOperator(address who) external view returns (Operator memory) {
        return entries[who];
    }

    /// @notice The entry of the operator that ever registered `receiptKey`; all zero if there is none or it left.
    /// Compare `receiptKey` to know whether the key is its current one.
    function byReceiptKey(address receiptKey) external view returns (Operator memory) {
        return entries[operatorOfKey[receiptKey]];
    }

    /// @notice The operator that owns `receiptKey`, registered or not.
    function ownerOfReceiptKey(address receiptKey) external view returns (address) {
        return operatorOfKey[receiptKey];
    }

    /// @notice The operator that uses `peerId` now.
    function ownerOfPeerId(bytes calldata peerId) external view returns (address) {
        return operatorOfPeer[keccak256(peerId)];
    }

    /// @notice The role of `who`; 0 if it is not registered.
    function roleOf(address who) external view returns (uint8) {
        return entries[who].role;
    }

    /// @notice Number of registered operators.
    function count() external view returns (uint256) {
        return operators.length();
    }

    /// @notice Entries `offset` to `offset + limit`, in no lasting order: a removal moves the last entry.
    function list(uint256 offset, uint256 limit) external view returns (Operator[] memory page) {
        uint256 total = operators.length();
        if (offset >= total) return page;
        uint256 length = limit < total - offset ? limit : total - offset;
        page = new Operator[](length);
        for (uint256 i; i < length; ++i) {
            page[i] = entries[operators.at(offset + i)];
        }
    }

    /* INTERNAL */

    function _registered(address who) internal view returns (Operator storage entry) {
        entry = entries[who];
        if (entry.role == 0) revert NotRegistered(who);
    }

    function _set(Operator storage entry, address receiptKey, bytes calldata peerId, string calldata endpointHint)
        internal
    {
        if (receiptKey == address(0)) revert ZeroReceiptKey();
        if (peerId.length == 0 || peerId.length > MAX_PEER_ID_BYTES) {
            revert PeerIdLength(peerId.length, MAX_PEER_ID_BYTES);
        }
        if (bytes(endpointHint).length > MAX_HINT_BYTES) {
            revert HintTooLong(bytes(endpointHint).length, MAX_HINT_BYTES);
        }
        address keyOwner = operatorOfKey[receiptKey];
        if (keyOwner != address(0) && keyOwner != msg.sender) revert ReceiptKeyTaken(receiptKey, keyOwner);
        bytes32 peerIdHash = keccak256(peerId);
        address peerOwner = operatorOfPeer[peerIdHash];
        if (peerOwner != address(0)) revert PeerIdTaken(peerId, peerOwner);

        operatorOfKey[receiptKey] = msg.sender;
        operatorOfPeer[peerIdHash] = msg.sender;
        entry.receiptKey = receiptKey;
        entry.peerId = peerId;
        entry.endpointHint = endpointHint;
    }
}
