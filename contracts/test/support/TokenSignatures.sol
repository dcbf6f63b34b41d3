// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TestUSD} from "../../src/TestUSD.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice Signs for the token what its holders sign: authorizations of EIP-3009 and permits of EIP-2612.
abstract contract TokenSignatures is Test {
    /// @dev Order of the group of secp256k1.
    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    struct Transfer {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    function transferDigest(TestUSD token, bytes32 typeHash, Transfer memory move) internal view returns (bytes32) {
        return _digest(token, keccak256(abi.encode(typeHash, move)));
    }

    function receiveSignature(TestUSD token, uint256 key, Transfer memory move) internal view returns (bytes memory) {
        return signWith(key, transferDigest(token, token.RECEIVE_WITH_AUTHORIZATION_TYPEHASH(), move));
    }

    function cancelDigest(TestUSD token, address authorizer, bytes32 nonce) internal view returns (bytes32) {
        return _digest(token, keccak256(abi.encode(token.CANCEL_AUTHORIZATION_TYPEHASH(), authorizer, nonce)));
    }

    function permitDigest(TestUSD token, address owner, address spender, uint256 value, uint256 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        return _digest(token, keccak256(abi.encode(typeHash, owner, spender, value, token.nonces(owner), deadline)));
    }

    function signWith(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The same signature in 64 bytes (EIP-2098).
    function compact(bytes memory signature) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s, uint8 v) = split(signature);
        return abi.encodePacked(r, v == 28 ? s | bytes32(uint256(1) << 255) : s);
    }

    /// @dev The other signature of the same key over the same digest, with s in the upper half.
    function twin(bytes memory signature) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s, uint8 v) = split(signature);
        return abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
    }

    function split(bytes memory signature) internal pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
    }

    function _digest(TestUSD token, bytes32 structHash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash));
    }
}
