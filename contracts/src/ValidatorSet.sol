// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ProviderRegistry} from "./ProviderRegistry.sol";
import {StakeVault} from "./StakeVault.sol";

/// @title ValidatorSet
/// @notice The validators from whom auditors and juries are drawn, a bounded list.
///
/// A member is *eligible* at block b for a class iff its entry was made before b, it had not asked to leave before b,
/// and it supports the class; a jury also wants its stake to be enough when it is drawn. Whoever is eligible is ranked
/// by keccak256(beacon, subject, member), the lowest first: the order does not depend on the list, so nobody gains by
/// the moment at which it joins, and a beacon becomes known only after the members that it can draw are fixed.
///
/// ```
///   join --(setClasses makes the entry anew)--> member --requestLeave, evict--> leaving --LEAVE_DELAY blocks, finalizeLeave--> gone
/// ```
///
/// Leaving takes longer than a beacon can be drawn (256 blocks), so that the members of block b are still known here
/// when its hash draws among them.
/// @dev Warning: a seat costs `MIN_STAKE`. Somebody who pays for `MAX_MEMBERS` seats keeps others out, so that on a
/// public chain the least stake has to make that dear.
contract ValidatorSet {
    /// @notice One member.
    /// @param joinedBlock The block of joining, or of the last change of classes.
    /// @param leavingBlock The block in which it asked to leave; zero while it stays.
    /// @param sealingKey X25519 public key to which transcripts for this member are sealed.
    struct Member {
        address validator;
        uint64 joinedBlock;
        uint64 leavingBlock;
        bytes32 sealingKey;
        bytes32[] classIds;
    }

    /* CONSTANTS AND IMMUTABLES */

    /// @notice Longest list, so that a draw's work is bounded.
    uint256 public constant MAX_MEMBERS = 128;
    /// @notice Most runtime classes per member.
    uint256 public constant MAX_CLASSES = 64;
    /// @notice Blocks for which a leaving member stays listed; more than the 256 for which a block's hash can be read.
    uint256 public constant LEAVE_DELAY = 300;

    ProviderRegistry public immutable REGISTRY;
    StakeVault public immutable STAKE_VAULT;
    /// @notice Least active stake of a member.
    uint256 public immutable MIN_STAKE;

    /* STORAGE */

    address[] internal validators;
    /// @dev Position in `validators` plus one.
    mapping(address validator => uint256) internal positionOf;
    mapping(address validator => Member) internal members;
    mapping(address validator => mapping(bytes32 entryAndClass => bool)) internal scores;

    /* EVENTS */

    event MemberJoined(address indexed validator, bytes32 sealingKey, bytes32[] classIds);
    event MemberClassesSet(address indexed validator, bytes32[] classIds);
    event SealingKeySet(address indexed validator, bytes32 sealingKey);
    /// @param by The member itself, or whoever showed that it no longer qualifies.
    event MemberLeaving(address indexed validator, address indexed by);
    event MemberLeft(address indexed validator);

    /* ERRORS */

    error ZeroAddress();
    error ZeroSealingKey();
    error NotValidator(address caller);
    error StakeTooLow(address validator, uint256 stake, uint256 needed);
    error SetFull(uint256 max);
    error ClassCount(uint256 count, uint256 max);
    error AlreadyMember(address validator);
    error NotMember(address validator);
    error AlreadyLeaving(address validator);
    error NotLeaving(address validator);
    error StillQualified(address validator);
    error LeaveTooEarly(address validator, uint256 fromBlock);

    /* CONSTRUCTOR */

    constructor(ProviderRegistry registry, StakeVault stakeVault, uint256 minStake) {
        if (address(registry) == address(0) || address(stakeVault) == address(0)) revert ZeroAddress();
        REGISTRY = registry;
        STAKE_VAULT = stakeVault;
        MIN_STAKE = minStake;
    }

    /* MEMBERSHIP */

    /// @notice Adds the calling validator. It can be drawn by beacons of later blocks.
    /// @param classIds The runtime classes that it can score; at least one.
    function join(bytes32 sealingKey, bytes32[] calldata classIds) external {
        if (positionOf[msg.sender] != 0) revert AlreadyMember(msg.sender);
        if (REGISTRY.roleOf(msg.sender) != REGISTRY.ROLE_VALIDATOR()) revert NotValidator(msg.sender);
        uint256 stake = STAKE_VAULT.activeStake(msg.sender);
        if (stake < MIN_STAKE) revert StakeTooLow(msg.sender, stake, MIN_STAKE);
        if (validators.length == MAX_MEMBERS) revert SetFull(MAX_MEMBERS);
        if (sealingKey == 0) revert ZeroSealingKey();

        validators.push(msg.sender);
        positionOf[msg.sender] = validators.length;
        Member storage member = members[msg.sender];
        member.validator = msg.sender;
        member.sealingKey = sealingKey;
        _setClasses(member, classIds);
        emit MemberJoined(msg.sender, sealingKey, classIds);
    }

    /// @notice Replaces the caller's classes. Beacons of earlier blocks no longer draw it, as if it had joined now:
    /// else it could choose its classes after it has seen a beacon.
    function setClasses(bytes32[] calldata classIds) external {
        _setClasses(_staying(msg.sender), classIds);
        emit MemberClassesSet(msg.sender, classIds);
    }

    /// @notice Replaces the key to which transcripts for the caller are sealed.
    function setSealingKey(bytes32 sealingKey) external {
        if (sealingKey == 0) revert ZeroSealingKey();
        _staying(msg.sender).sealingKey = sealingKey;
        emit SealingKeySet(msg.sender, sealingKey);
    }

    /// @notice Asks to leave. Beacons of later blocks do not draw the caller; earlier ones still do.
    function requestLeave() external {
        _leave(_staying(msg.sender));
    }

    /// @notice Asks for the leave of a member that is no longer a registered validator with enough stake. Anyone may.
    function evict(address validator) external {
        Member storage member = _staying(validator);
        if (qualifies(validator)) revert StillQualified(validator);
        _leave(member);
    }

    /// @notice Takes a leaving member off the list, after the delay. Anyone may.
    function finalizeLeave(address validator) external {
        uint256 position = positionOf[validator];
        if (position == 0) revert NotMember(validator);
        uint64 leavingBlock = members[validator].leavingBlock;
        if (leavingBlock == 0) revert NotLeaving(validator);
        uint256 fromBlock = leavingBlock + LEAVE_DELAY;
        if (block.number < fromBlock) revert LeaveTooEarly(validator, fromBlock);

        address last = validators[validators.length - 1];
        validators[position - 1] = last;
        positionOf[last] = position;
        validators.pop();
        delete positionOf[validator];
        delete members[validator];
        emit MemberLeft(validator);
    }

    /* VIEWS */

    /// @notice All members, leaving ones included, in no lasting order.
    function list() external view returns (Member[] memory all) {
        all = new Member[](validators.length);
        for (uint256 i; i < all.length; ++i) {
            all[i] = members[validators[i]];
        }
    }

    function count() external view returns (uint256) {
        return validators.length;
    }

    /// @notice The entry of `validator`; all zero if it is not a member.
    function memberOf(address validator) external view returns (Member memory) {
        return members[validator];
    }

    /// @notice Whether `validator` is listed and still qualifies. A leaving member may finish its work.
    function isActive(address validator) external view returns (bool) {
        return positionOf[validator] != 0 && qualifies(validator);
    }

    /// @notice Whether `validator` is registered as one and has enough active stake now.
    function qualifies(address validator) public view returns (bool) {
        return
            REGISTRY.roleOf(validator) == REGISTRY.ROLE_VALIDATOR() && STAKE_VAULT.activeStake(validator) >= MIN_STAKE;
    }

    /// @notice Whether a draw by the hash of block `atBlock` may take `validator` for a class.
    function isEligible(address validator, bytes32 classId, uint256 atBlock) public view returns (bool) {
        Member storage entry = members[validator];
        if (entry.joinedBlock == 0 || entry.joinedBlock >= atBlock) return false;
        if (entry.leavingBlock != 0 && entry.leavingBlock < atBlock) return false;
        return scores[validator][_classKey(entry.joinedBlock, classId)] && qualifies(validator);
    }

    /// @notice Everybody whom the hash of block `atBlock` may draw for a class, in the list's order.
    function eligible(bytes32 classId, uint256 atBlock) external view returns (address[] memory found) {
        found = new address[](validators.length);
        uint256 length;
        for (uint256 i; i < found.length; ++i) {
            if (isEligible(validators[i], classId, atBlock)) found[length++] = validators[i];
        }
        assembly ("memory-safe") {
            mstore(found, length)
        }
    }

    /* INTERNAL */

    function _staying(address validator) internal view returns (Member storage entry) {
        if (positionOf[validator] == 0) revert NotMember(validator);
        entry = members[validator];
        if (entry.leavingBlock != 0) revert AlreadyLeaving(validator);
    }

    function _leave(Member storage entry) internal {
        entry.leavingBlock = uint64(block.number);
        emit MemberLeaving(entry.validator, msg.sender);
    }

    function _setClasses(Member storage entry, bytes32[] calldata classIds) internal {
        if (classIds.length == 0 || classIds.length > MAX_CLASSES) revert ClassCount(classIds.length, MAX_CLASSES);
        // Within one block the last list counts: the former one's keys are the same block's.
        for (uint256 i; i < entry.classIds.length; ++i) {
            delete scores[entry.validator][_classKey(entry.joinedBlock, entry.classIds[i])];
        }
        entry.joinedBlock = uint64(block.number);
        entry.classIds = classIds;
        for (uint256 i; i < classIds.length; ++i) {
            scores[entry.validator][_classKey(uint64(block.number), classIds[i])] = true;
        }
    }

    /// @dev An entry's classes are found by its block, so that those of a former entry count for nothing.
    function _classKey(uint64 joinedBlock, bytes32 classId) internal pure returns (bytes32) {
        return keccak256(abi.encode(joinedBlock, classId));
    }
}
