// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "solady/src/utils/ECDSA.sol";
import {EIP712} from "solady/src/utils/EIP712.sol";
import {MerkleProofLib} from "solady/src/utils/MerkleProofLib.sol";
import {ProviderRegistry} from "./ProviderRegistry.sol";
import {ValidatorSet} from "./ValidatorSet.sol";

/// @notice What a provider states, and signs with its receipt key, about one answer.
struct Receipt {
    bytes32 requestId;
    bytes32 requestHash;
    bytes32 classId;
    bytes32 promptHash;
    bytes32 transcriptRoot;
    bytes32 textHash;
    bytes32 seedCommitment;
    bytes32 channelId;
    address provider;
    uint32 promptTokens;
    uint32 cachedTokens;
    uint32 outputTokens;
    uint8 stopReason;
    uint8 proofLevel;
    uint128 cost;
    uint64 startedAt;
    uint64 finishedAt;
}

/// @notice What a validator found when it scored an answer again.
/// @param classId The receipt's runtime class, as the validator states it: which auditor a beacon draws, and what a number
/// of mismatches means, depend on it. A leaf is not opened here; whoever has the receipt can hold the two together.
/// @param verdict 1 pass, 2 inconclusive, 3 fail.
/// @param tokens Informative tokens that the verdict rests on.
/// @param mismatches How many of them were not the ones that the validator's own scores demand.
/// @param marginMicros Sum of their clipped margins, in millionths of a nat.
/// @param evidenceHash Hash of the validator's published evidence.
struct Finding {
    bytes32 classId;
    uint8 verdict;
    uint32 tokens;
    uint32 mismatches;
    uint64 marginMicros;
    bytes32 evidenceHash;
}

/// @title ReceiptLog
/// @notice Each epoch a provider commits to all of its receipts by one Merkle root; then a beacon that it could not
/// know picks which of them are audited; then validators attest what they found.
///
/// ```
///   block b      postRoot: the receipts of the epoch are fixed; target block t = b + 1
///   block > t    drawBeacon, by anyone: beacon = keccak256(blockhash(t), provider, epoch, root)
///   block > t + 256 without a draw: the hash of t is out of reach; drawBeacon re-arms with t = current block + 1
/// ```
///
/// Leaves are receipt digests; parents are keccak256 of the sorted pair of children, as in Solady's MerkleProofLib.
/// @dev Warning, what remains grindable: (1) The proposer of block t sees the beacon before it publishes, and may give
/// up its block for another draw; on a chain with one sequencer that is the sequencer. (2) A provider that dislikes its
/// beacon gains a second one if nobody draws for 256 blocks after t, so validators should draw, as anyone may; the
/// number of re-arms is in the event and is evidence. The time of the draw itself changes nothing: within the window
/// every caller stores the same value.
/// Warning: a leaf is not opened into its fields here. A digest counts for something only together with the receipt
/// behind it, so that the hash of an inner node, which also has a proof, stands for no receipt.
contract ReceiptLog is EIP712 {
    /// @notice What `epoch` returns.
    /// @param root Merkle root of the epoch's receipt digests.
    /// @param beacon Zero until drawn.
    /// @param totalCost Sum of the receipts' costs, as the provider states it.
    /// @param count Number of receipts, as the provider states it.
    /// @param targetBlock The block whose hash decides the beacon.
    /// @param rearms How often the window was missed.
    /// @param postedBlock The block in which the root was posted, and its time in Unix seconds.
    struct Epoch {
        bytes32 root;
        bytes32 beacon;
        uint128 totalCost;
        uint32 count;
        uint64 targetBlock;
        uint32 rearms;
        uint64 postedBlock;
        uint64 postedAt;
    }

    /* CONSTANTS AND IMMUTABLES */

    bytes32 public constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 requestId,bytes32 requestHash,bytes32 classId,bytes32 promptHash,bytes32 transcriptRoot,bytes32 textHash,bytes32 seedCommitment,bytes32 channelId,address provider,uint32 promptTokens,uint32 cachedTokens,uint32 outputTokens,uint8 stopReason,uint8 proofLevel,uint128 cost,uint64 startedAt,uint64 finishedAt)"
    );

    /// @dev Half of secp256k1's order: of the two values of s that verify, the low one is not above it.
    uint256 internal constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    uint8 public constant VERDICT_PASS = 1;
    uint8 public constant VERDICT_INCONCLUSIVE = 2;
    uint8 public constant VERDICT_FAIL = 3;

    /// @notice Says who is a provider.
    ProviderRegistry public immutable REGISTRY;
    /// @notice Says whose verdicts are taken.
    ValidatorSet public immutable VALIDATORS;

    /* STORAGE */

    mapping(address provider => uint64) internal lastEpochOf;
    mapping(address provider => mapping(uint64 number => Epoch)) internal epochs;
    mapping(bytes32 key => uint8 verdict) internal verdicts;

    /* EVENTS */

    event RootPosted(
        address indexed provider,
        uint64 indexed epoch,
        bytes32 root,
        uint32 count,
        uint128 totalCost,
        uint64 targetBlock
    );
    event BeaconDrawn(address indexed provider, uint64 indexed epoch, bytes32 beacon, uint64 targetBlock);
    event BeaconRearmed(address indexed provider, uint64 indexed epoch, uint64 targetBlock, uint32 rearms);
    /// @dev The members after `epoch` are those of `Finding`.
    event Attested(
        address indexed validator,
        address indexed provider,
        bytes32 indexed receiptDigest,
        uint64 epoch,
        bytes32 classId,
        uint8 verdict,
        uint32 tokens,
        uint32 mismatches,
        uint64 marginMicros,
        bytes32 evidenceHash
    );

    /* ERRORS */

    error ZeroAddress();
    error NotProvider(address caller);
    error NotActiveValidator(address caller);
    error WrongEpoch(uint64 epoch, uint64 expected);
    error EmptyEpoch();
    error UnknownEpoch(address provider, uint64 epoch);
    error BeaconAlreadyDrawn(address provider, uint64 epoch);
    error BeaconTooEarly(uint64 targetBlock, uint256 blockNumber);
    error UnknownVerdict(uint8 verdict);
    error MismatchesAboveTokens(uint32 mismatches, uint32 tokens);
    error BadProof(address provider, uint64 epoch, bytes32 receiptDigest);
    error AlreadyAttested(address validator, bytes32 receiptDigest);

    /* CONSTRUCTOR */

    constructor(ProviderRegistry registry, ValidatorSet validators) {
        if (address(registry) == address(0) || address(validators) == address(0)) revert ZeroAddress();
        REGISTRY = registry;
        VALIDATORS = validators;
    }

    /* EPOCHS */

    /// @notice Commits the calling provider to the receipts of its next epoch.
    /// @param number One more than the caller's last epoch; the first is 1. Stated so that a repeated transaction fails
    /// instead of opening another epoch.
    function postRoot(uint64 number, bytes32 root, uint32 count, uint128 totalCost) external {
        if (REGISTRY.roleOf(msg.sender) != REGISTRY.ROLE_PROVIDER()) revert NotProvider(msg.sender);
        uint64 expected = lastEpochOf[msg.sender] + 1;
        if (number != expected) revert WrongEpoch(number, expected);
        if (root == 0 || count == 0) revert EmptyEpoch();

        uint64 targetBlock = uint64(block.number) + 1;
        lastEpochOf[msg.sender] = number;
        epochs[msg.sender][number] =
            Epoch(root, 0, totalCost, count, targetBlock, 0, uint64(block.number), uint64(block.timestamp));
        emit RootPosted(msg.sender, number, root, count, totalCost, targetBlock);
    }

    /// @notice Draws the beacon of an epoch, or re-arms it if the window was missed. Anyone may call it, once the block
    /// after the target has begun.
    /// @return drawn The beacon, or zero if it was re-armed.
    function drawBeacon(address provider, uint64 number) external returns (bytes32 drawn) {
        Epoch storage entry = _epoch(provider, number);
        if (entry.beacon != 0) revert BeaconAlreadyDrawn(provider, number);
        uint64 targetBlock = entry.targetBlock;
        if (block.number <= targetBlock) revert BeaconTooEarly(targetBlock, block.number);

        bytes32 blockHash = blockhash(targetBlock);
        if (blockHash == 0) {
            targetBlock = uint64(block.number) + 1;
            entry.targetBlock = targetBlock;
            emit BeaconRearmed(provider, number, targetBlock, ++entry.rearms);
            return 0;
        }
        drawn = keccak256(abi.encode(blockHash, provider, number, entry.root));
        entry.beacon = drawn;
        emit BeaconDrawn(provider, number, drawn, targetBlock);
    }

    /* VERDICTS */

    /// @notice States the calling validator's verdict on one receipt of an epoch. Once per validator and receipt.
    /// @param proof Siblings from the receipt's digest up to the epoch's root.
    /// @dev Warning: any active member of the set may attest anything. Whoever counts verdicts takes, for each receipt
    /// that the epoch's beacon selects, the one of the validator that the beacon drew for it, and no other: both follow
    /// from this contract's and the set's events.
    function attest(
        address provider,
        uint64 number,
        bytes32 receiptDigest_,
        bytes32[] calldata proof,
        Finding calldata finding
    ) external {
        if (!VALIDATORS.isActive(msg.sender)) revert NotActiveValidator(msg.sender);
        uint8 verdict = finding.verdict;
        if (verdict < VERDICT_PASS || verdict > VERDICT_FAIL) revert UnknownVerdict(verdict);
        if (finding.mismatches > finding.tokens) revert MismatchesAboveTokens(finding.mismatches, finding.tokens);
        if (!MerkleProofLib.verifyCalldata(proof, _epoch(provider, number).root, receiptDigest_)) {
            revert BadProof(provider, number, receiptDigest_);
        }
        bytes32 key = _verdictKey(msg.sender, provider, receiptDigest_);
        if (verdicts[key] != 0) revert AlreadyAttested(msg.sender, receiptDigest_);

        verdicts[key] = verdict;
        emit Attested(
            msg.sender,
            provider,
            receiptDigest_,
            number,
            finding.classId,
            verdict,
            finding.tokens,
            finding.mismatches,
            finding.marginMicros,
            finding.evidenceHash
        );
    }

    /* VIEWS */

    /// @notice The last epoch that `provider` posted; zero if none.
    function lastEpoch(address provider) external view returns (uint64) {
        return lastEpochOf[provider];
    }

    function epoch(address provider, uint64 number) external view returns (Epoch memory) {
        return epochs[provider][number];
    }

    /// @notice The epoch's beacon; zero until it is drawn.
    function beacon(address provider, uint64 number) external view returns (bytes32) {
        return epochs[provider][number].beacon;
    }

    /// @notice What `validator` attested about a receipt of `provider`; zero if nothing.
    function verdictOf(address validator, address provider, bytes32 receiptDigest_) external view returns (uint8) {
        return verdicts[_verdictKey(validator, provider, receiptDigest_)];
    }

    /// @notice The digest that the provider's receipt key signs, and the leaf in the epoch's tree.
    function receiptDigest(Receipt calldata receipt) public view returns (bytes32) {
        return _hashTypedData(keccak256(abi.encode(RECEIPT_TYPEHASH, receipt)));
    }

    /// @notice The key that signed a receipt; zero unless the signature is 65 bytes with a low s, so that each has one
    /// form only.
    /// @dev Warning: says who signed, not who is a provider; ask the registry.
    function recoverSigner(Receipt calldata receipt, bytes calldata signature) external view returns (address) {
        if (signature.length != 65 || uint256(bytes32(signature[32:64])) > HALF_ORDER) return address(0);
        return ECDSA.tryRecoverCalldata(receiptDigest(receipt), signature);
    }

    function domainSeparator() external view returns (bytes32) {
        return _domainSeparator();
    }

    /* INTERNAL */

    function _epoch(address provider, uint64 number) internal view returns (Epoch storage entry) {
        entry = epochs[provider][number];
        if (entry.root == 0) revert UnknownEpoch(provider, number);
    }

    /// @dev The provider is part of the key: anyone may put a stranger's digest into its own tree, and must not use up
    /// a validator's one verdict by it.
    function _verdictKey(address validator, address provider, bytes32 receiptDigest_) internal pure returns (bytes32) {
        return keccak256(abi.encode(validator, provider, receiptDigest_));
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Depinfer", "1");
    }
}
