// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MerkleProofLib} from "solady/src/utils/MerkleProofLib.sol";
import {ChannelConfig, Channels} from "../src/Channels.sol";
import {MemberRank} from "../src/disputes/MemberRank.sol";
import {ProviderRegistry} from "../src/ProviderRegistry.sol";
import {Receipt, ReceiptLog} from "../src/ReceiptLog.sol";
import {ValidatorSet} from "../src/ValidatorSet.sol";
import {Test} from "./support/Test.sol";
import {vm} from "./support/Vm.sol";

/// @notice Replays `specs/vectors`, which the TypeScript packages write and replay too: both sides must agree on every
/// id, digest and root. The contracts are put at the vectors' own addresses, since those are part of what is hashed.
contract VectorsTest is Test {
    string internal constant FOLDER = "specs/vectors/";

    function test_voucherVectors() public {
        string memory json = vm.readFile(string.concat(FOLDER, "voucher.json"));
        Channels channels = Channels(vm.parseJsonAddress(json, ".domain.verifyingContract"));
        deployAt(address(channels), address(new Channels(address(1), 1)));
        vm.chainId(vm.parseJsonUint(json, ".domain.chainId"));
        uint256 cases;
        for (; vm.keyExistsJson(json, _case(cases, "")); ++cases) {
            ChannelConfig memory config = ChannelConfig({
                payer: vm.parseJsonAddress(json, _case(cases, ".config.payer")),
                payerAuthorizer: vm.parseJsonAddress(json, _case(cases, ".config.payerAuthorizer")),
                receiver: vm.parseJsonAddress(json, _case(cases, ".config.receiver")),
                receiverAuthorizer: vm.parseJsonAddress(json, _case(cases, ".config.receiverAuthorizer")),
                token: vm.parseJsonAddress(json, _case(cases, ".config.token")),
                withdrawDelay: uint40(vm.parseJsonUint(json, _case(cases, ".config.withdrawDelay"))),
                salt: vm.parseJsonBytes32(json, _case(cases, ".config.salt"))
            });
            bytes32 id = channels.channelId(config);
            assertEq(id, vm.parseJsonBytes32(json, _case(cases, ".channelId")), _case(cases, ".channelId"));
            uint128 amount = uint128(vm.parseJsonUint(json, _case(cases, ".maxClaimableAmount")));
            bytes32 digest = channels.voucherDigest(id, amount);
            assertEq(digest, vm.parseJsonBytes32(json, _case(cases, ".digest")), _case(cases, ".digest"));
            uint256 key = uint256(vm.parseJsonBytes32(json, _case(cases, ".privateKey")));
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
            assertEq(
                keccak256(abi.encodePacked(r, s, v)),
                keccak256(vm.parseJsonBytes(json, _case(cases, ".signature"))),
                _case(cases, ".signature")
            );
            assertEq(vm.addr(key), vm.parseJsonAddress(json, _case(cases, ".signer")), _case(cases, ".signer"));
        }
        assertTrue(cases > 0, "voucher.json has cases");
    }

    function test_receiptVectors() public {
        string memory json = vm.readFile(string.concat(FOLDER, "receipt.json"));
        ReceiptLog log = ReceiptLog(vm.parseJsonAddress(json, ".domain.verifyingContract"));
        deployAt(address(log), address(new ReceiptLog(ProviderRegistry(address(1)), ValidatorSet(address(1)))));
        vm.chainId(vm.parseJsonUint(json, ".domain.chainId"));
        uint256 cases;
        for (; vm.keyExistsJson(json, _case(cases, "")); ++cases) {
            Receipt memory receipt;
            receipt.requestId = _word(json, cases, "requestId");
            receipt.requestHash = _word(json, cases, "requestHash");
            receipt.classId = _word(json, cases, "classId");
            receipt.promptHash = _word(json, cases, "promptHash");
            receipt.transcriptRoot = _word(json, cases, "transcriptRoot");
            receipt.textHash = _word(json, cases, "textHash");
            receipt.seedCommitment = _word(json, cases, "seedCommitment");
            receipt.channelId = _word(json, cases, "channelId");
            receipt.provider = vm.parseJsonAddress(json, _case(cases, ".receipt.provider"));
            receipt.promptTokens = uint32(_number(json, cases, "promptTokens"));
            receipt.cachedTokens = uint32(_number(json, cases, "cachedTokens"));
            receipt.outputTokens = uint32(_number(json, cases, "outputTokens"));
            receipt.stopReason = uint8(_number(json, cases, "stopReason"));
            receipt.proofLevel = uint8(_number(json, cases, "proofLevel"));
            receipt.cost = uint128(_number(json, cases, "cost"));
            receipt.startedAt = uint64(_number(json, cases, "startedAt"));
            receipt.finishedAt = uint64(_number(json, cases, "finishedAt"));
            assertEq(
                log.receiptDigest(receipt), vm.parseJsonBytes32(json, _case(cases, ".digest")), _case(cases, ".digest")
            );
            bytes memory signature = vm.parseJsonBytes(json, _case(cases, ".signature"));
            address signer = vm.addr(uint256(vm.parseJsonBytes32(json, _case(cases, ".privateKey"))));
            assertEq(log.recoverSigner(receipt, signature), signer, _case(cases, ".signature"));
        }
        assertTrue(cases > 0, "receipt.json has cases");
    }

    function test_merkleVectors() public {
        string memory json = vm.readFile(string.concat(FOLDER, "merkle.json"));
        uint256 cases;
        for (; vm.keyExistsJson(json, _case(cases, "")); ++cases) {
            bytes32 root = vm.parseJsonBytes32(json, _case(cases, ".root"));
            bytes32[] memory leaves = vm.parseJsonBytes32Array(json, _case(cases, ".leaves"));
            for (uint256 i; i < leaves.length; ++i) {
                string memory path = string.concat(_case(cases, ".proofs["), vm.toString(i), "]");
                bytes32[] memory proof = vm.parseJsonBytes32Array(json, path);
                assertTrue(MerkleProofLib.verify(proof, root, leaves[i]), path);
            }
        }
        assertTrue(cases > 0, "merkle.json has cases");
    }

    function test_drawVectors() public view {
        string memory json = vm.readFile(string.concat(FOLDER, "audit-draw.json"));
        uint256 draws;
        for (; vm.keyExistsJson(json, string.concat(".draws[", vm.toString(draws), "]")); ++draws) {
            string memory path = string.concat(".draws[", vm.toString(draws), "]");
            bytes32 beacon = vm.parseJsonBytes32(json, string.concat(path, ".beacon"));
            bytes32 subject = vm.parseJsonBytes32(json, string.concat(path, ".subject"));
            address[] memory drawn = vm.parseJsonAddressArray(json, string.concat(path, ".drawn"));
            address[] memory members = vm.parseJsonAddressArray(json, string.concat(path, ".members"));
            assertEq(drawn.length, members.length, path);
            for (uint256 i = 1; i < drawn.length; ++i) {
                uint256 before = MemberRank.rankOf(beacon, subject, drawn[i - 1]);
                assertTrue(before < MemberRank.rankOf(beacon, subject, drawn[i]), path);
            }
        }
        assertTrue(draws > 0, "audit-draw.json has draws");
    }

    /// @dev Solady's EIP712 notices that it runs at another address and chain than it was made for, and hashes anew.
    function deployAt(address where, address original) internal {
        vm.etch(where, original.code);
    }

    function _case(uint256 index, string memory member) internal pure returns (string memory) {
        return string.concat(".cases[", vm.toString(index), "]", member);
    }

    function _word(string memory json, uint256 index, string memory member) internal pure returns (bytes32) {
        return vm.parseJsonBytes32(json, _case(index, string.concat(".receipt.", member)));
    }

    function _number(string memory json, uint256 index, string memory member) internal pure returns (uint256) {
        return vm.parseJsonUint(json, _case(index, string.concat(".receipt.", member)));
    }
}
