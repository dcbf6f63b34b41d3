// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "solady/src/tokens/ERC20.sol";
import {SignatureCheckerLib} from "solady/src/utils/SignatureCheckerLib.sol";

/// @title TestUSD
/// @notice A stand-in for a stable coin on local and test networks: six decimals, EIP-2612 permit, EIP-3009 transfers by
/// signature as USDC has them, and a faucet that is open to everybody.
/// @dev Warning: it has no value and must never be the token of a network that moves real money.
contract TestUSD is ERC20 {
    /// @notice The most that one call of `mint` creates: one million dollars, in units of six decimals.
    uint256 public constant MINT_CAP = 1_000_000e6;

    bytes32 public constant TRANSFER_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 public constant RECEIVE_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 public constant CANCEL_AUTHORIZATION_TYPEHASH =
        keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");

    /// @notice Whether an authorization was used or cancelled.
    mapping(address authorizer => mapping(bytes32 nonce => bool)) public authorizationState;

    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
    event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);

    /// @notice One call asked the faucet for more than `MINT_CAP`.
    error MintAboveCap(uint256 amount, uint256 cap);
    error AuthorizationNotYetValid(uint256 validAfter);
    error AuthorizationExpired(uint256 validBefore);
    error AuthorizationUsedOrCanceled(address authorizer, bytes32 nonce);
    error InvalidAuthorization(address authorizer);
    /// @notice Only the recipient may call `receiveWithAuthorization`.
    error CallerNotPayee(address caller, address payee);

    /// @notice The faucet: creates `amount` units for `to`. Anyone may call it, as often as they like.
    function mint(address to, uint256 amount) external {
        if (amount > MINT_CAP) revert MintAboveCap(amount, MINT_CAP);
        _mint(to, amount);
    }

    /* TRANSFERS BY SIGNATURE */

    /// @notice Moves `value` from `from` to `to` by the signature of `from`; anyone may send it.
    /// @dev Warning: whoever sees it may send it first, apart from any call that it was meant to be part of; contracts
    /// use `receiveWithAuthorization`.
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        _moveSigned(
            TRANSFER_WITH_AUTHORIZATION_TYPEHASH,
            from,
            to,
            value,
            validAfter,
            validBefore,
            nonce,
            abi.encodePacked(r, s, v)
        );
    }

    /// @notice The same with the signature in one piece: 65 bytes, 64 (EIP-2098), or what the account's own contract
    /// takes (ERC-1271).
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        _moveSigned(TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce, signature);
    }

    /// @notice Moves `value` from `from` to the caller by the signature of `from`.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        if (to != msg.sender) revert CallerNotPayee(msg.sender, to);
        _moveSigned(
            RECEIVE_WITH_AUTHORIZATION_TYPEHASH,
            from,
            to,
            value,
            validAfter,
            validBefore,
            nonce,
            abi.encodePacked(r, s, v)
        );
    }

    /// @notice The same with the signature in one piece.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        if (to != msg.sender) revert CallerNotPayee(msg.sender, to);
        _moveSigned(RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce, signature);
    }

    /// @notice Makes an authorization that was not used yet worthless, by the signature of its author.
    function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external {
        _cancel(authorizer, nonce, abi.encodePacked(r, s, v));
    }

    /// @notice The same with the signature in one piece.
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external {
        _cancel(authorizer, nonce, signature);
    }

    /* VIEWS */

    /// @inheritdoc ERC20
    function name() public pure override returns (string memory) {
        return "Depinfer Test USD (no value)";
    }

    /// @inheritdoc ERC20
    function symbol() public pure override returns (string memory) {
        return "tUSD";
    }

    /// @inheritdoc ERC20
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// @notice The version in the EIP-712 domain.
    function version() external pure returns (string memory) {
        return "1";
    }

    /// @notice The EIP-712 domain, as ERC-5267 has it: name, version, chain and contract.
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name_,
            string memory version_,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (hex"0f", name(), "1", block.chainid, address(this), 0, extensions);
    }

    /* INTERNAL */

    function _moveSigned(
        bytes32 typeHash,
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) internal {
        if (block.timestamp <= validAfter) revert AuthorizationNotYetValid(validAfter);
        if (block.timestamp >= validBefore) revert AuthorizationExpired(validBefore);
        _requireSigned(
            from, nonce, keccak256(abi.encode(typeHash, from, to, value, validAfter, validBefore, nonce)), signature
        );
        authorizationState[from][nonce] = true;
        emit AuthorizationUsed(from, nonce);
        _transfer(from, to, value);
    }

    function _cancel(address authorizer, bytes32 nonce, bytes memory signature) internal {
        _requireSigned(
            authorizer, nonce, keccak256(abi.encode(CANCEL_AUTHORIZATION_TYPEHASH, authorizer, nonce)), signature
        );
        authorizationState[authorizer][nonce] = true;
        emit AuthorizationCanceled(authorizer, nonce);
    }

    function _requireSigned(address authorizer, bytes32 nonce, bytes32 structHash, bytes memory signature)
        internal
        view
    {
        if (authorizationState[authorizer][nonce]) revert AuthorizationUsedOrCanceled(authorizer, nonce);
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR(), structHash));
        if (!SignatureCheckerLib.isValidSignatureNow(authorizer, digest, signature)) {
            revert InvalidAuthorization(authorizer);
        }
    }

    /// @dev No hidden allowance: what may be spent is what the holder approved.
    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }
}
