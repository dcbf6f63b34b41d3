// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig, Channels} from "../../src/Channels.sol";
import {DisputeModules, Disputes} from "../../src/disputes/Disputes.sol";
import {ProviderRegistry} from "../../src/ProviderRegistry.sol";
import {Finding, Receipt, ReceiptLog} from "../../src/ReceiptLog.sol";
import {StakeVault} from "../../src/StakeVault.sol";
import {TestUSD} from "../../src/TestUSD.sol";
import "../../src/types/Dispute.sol";
import {ValidatorSet} from "../../src/ValidatorSet.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice All contracts, a provider with a receipt key and stake, a buyer, a challenger, and ten validators.
abstract contract DisputesFixture is Test {
    uint256 internal constant DOLLAR = 1e6;
    uint256 internal constant STAKE = 20 * DOLLAR;
    uint256 internal constant KEY = 0xA11CE;
    bytes32 internal constant CLASS = keccak256("class");
    uint40 internal constant WINDOW = 3 days;
    uint40 internal constant UNBOND = 7 days;
    uint256 internal constant VALIDATORS = 10;
    bytes32 internal constant SALT = keccak256("salt");

    TestUSD internal token;
    Channels internal channels;
    ProviderRegistry internal registry;
    StakeVault internal vault;
    ValidatorSet internal set;
    ReceiptLog internal log;
    Disputes internal disputes;

    address internal provider = address(0xA001);
    address internal buyer = address(0xA002);
    address internal challenger = address(0xA003);
    address internal stranger = address(0xA004);
    address internal sink = address(0xA005);

    function setUp() public virtual {
        _make();
    }

    function _make() internal {
        vm.warp(1_800_000_000);
        vm.roll(1_000);
        token = new TestUSD();
        channels = new Channels(address(token), 1);
        registry = new ProviderRegistry();
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 3);
        vault = new StakeVault(address(token), DOLLAR, WINDOW, UNBOND, predicted, sink);
        set = new ValidatorSet(registry, vault, 10 * DOLLAR);
        log = new ReceiptLog(registry, set);
        disputes = new Disputes(DisputeModules(channels, log, vault, set), terms());

        address[4] memory holders = [provider, buyer, challenger, stranger];
        for (uint256 i; i < 4; ++i) {
            _fund(holders[i]);
        }
        vm.prank(provider);
        registry.register(1, vm.addr(KEY), hex"01", "");
        vm.prank(provider);
        vault.bond(provider, 1, STAKE);
        for (uint256 i; i < VALIDATORS; ++i) {
            _addValidator(validator(i));
        }
        vm.roll(1_010);
    }

    function terms() internal pure returns (DisputeTerms memory) {
        return DisputeTerms({
            bond: uint128(5 * DOLLAR),
            appealBond: uint128(15 * DOLLAR),
            jurorSlash: uint128(5 * DOLLAR),
            absenceSlash: uint128(DOLLAR),
            slashBps: 10_000,
            reporterBps: 2_500,
            jurorBps: 1_000,
            jury: 3,
            appealJury: 7,
            minJury: 2,
            minTokens: 8,
            commitSeconds: 1 hours,
            revealSeconds: 30 minutes,
            appealSeconds: 2 hours,
            saltSeconds: 10 minutes
        });
    }

    function validator(uint256 index) internal pure returns (address) {
        return address(uint160(0xB000 + index));
    }

    function _fund(address who) internal {
        token.mint(who, 1_000 * DOLLAR);
        vm.startPrank(who);
        token.approve(address(vault), type(uint256).max);
        token.approve(address(disputes), type(uint256).max);
        vm.stopPrank();
    }

    function _addValidator(address who) internal {
        _fund(who);
        bytes32[] memory classIds = new bytes32[](1);
        classIds[0] = CLASS;
        vm.startPrank(who);
        registry.register(2, address(uint160(who) + 0x1000000), abi.encodePacked(who), "");
        vault.bond(who, 1, 12 * DOLLAR);
        set.join(keccak256("sealing key"), classIds);
        vm.stopPrank();
    }

    function _config() internal view returns (ChannelConfig memory config) {
        config.payer = buyer;
        config.payerAuthorizer = buyer;
        config.receiver = provider;
        config.token = address(token);
        config.withdrawDelay = 1;
    }

    function _receipt(uint256 number) internal view returns (Receipt memory receipt) {
        receipt.requestId = bytes32(number);
        receipt.classId = CLASS;
        receipt.provider = provider;
        receipt.channelId = channels.channelId(_config());
        receipt.outputTokens = 64;
        receipt.cost = uint128(DOLLAR);
        receipt.finishedAt = uint64(block.timestamp) * 1000;
    }

    function _sign(Receipt memory receipt) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, log.receiptDigest(receipt));
        return abi.encodePacked(r, s, v);
    }

    function _openAs(address who, Receipt memory receipt) internal returns (bytes32 id) {
        bytes memory signature = _sign(receipt);
        ChannelConfig memory config = _config();
        vm.prank(who);
        id = disputes.open(receipt, signature, config);
    }

    /// @dev Opening must revert with `refusal`. The signature is made before, since each call counts for `expectRevert`.
    function _refuses(bytes memory refusal, address who, Receipt memory receipt) internal {
        bytes memory signature = _sign(receipt);
        ChannelConfig memory config = _config();
        vm.prank(who);
        vm.expectRevert(refusal);
        disputes.open(receipt, signature, config);
    }

    function _open() internal returns (bytes32) {
        return _openAs(challenger, _receipt(1));
    }

    /// @dev Mines past the target block and draws.
    function _draw(bytes32 id) internal returns (address[] memory) {
        vm.roll(disputes.disputeOf(id).targetBlock + 1);
        return disputes.drawJury(id);
    }

    function _finding(uint8 verdict) internal pure returns (Finding memory) {
        return Finding(CLASS, verdict, 64, 0, 0, 0);
    }

    function _ballot(uint8 verdict) internal pure returns (Ballot memory) {
        return Ballot(verdict, 64, verdict == OUTCOME_FAIL ? 9 : 0, verdict == OUTCOME_FAIL ? 9_000_000 : 0, SALT);
    }

    function _commit(bytes32 id, address juror, uint8 verdict) internal {
        bytes32 commitment = disputes.commitmentOf(id, disputes.disputeOf(id).round, juror, _ballot(verdict));
        vm.prank(juror);
        disputes.commit(id, commitment);
    }

    function _reveal(bytes32 id, address juror, uint8 verdict) internal {
        vm.prank(juror);
        disputes.reveal(id, _ballot(verdict));
    }

    /// @dev All jurors commit and reveal, `verdicts[i]` each; then the round is resolved. 0 stays away.
    function _vote(bytes32 id, address[] memory jurors, uint8[] memory verdicts) internal returns (uint8) {
        for (uint256 i; i < jurors.length; ++i) {
            if (verdicts[i] != 0) _commit(id, jurors[i], verdicts[i]);
        }
        vm.warp(disputes.disputeOf(id).commitDeadline);
        for (uint256 i; i < jurors.length; ++i) {
            if (verdicts[i] != 0) _reveal(id, jurors[i], verdicts[i]);
        }
        Dispute memory dispute = disputes.disputeOf(id);
        if (dispute.reveals < jurors.length) vm.warp(dispute.revealDeadline);
        return disputes.resolve(id);
    }

    function _verdicts(uint8 a, uint8 b, uint8 c) internal pure returns (uint8[] memory verdicts) {
        verdicts = new uint8[](3);
        (verdicts[0], verdicts[1], verdicts[2]) = (a, b, c);
    }

    /// @dev `a` of the first `split` jurors, `b` of the others.
    function _verdicts(uint256 size, uint256 split, uint8 a, uint8 b) internal pure returns (uint8[] memory verdicts) {
        verdicts = new uint8[](size);
        for (uint256 i; i < size; ++i) {
            verdicts[i] = i < split ? a : b;
        }
    }

    function _toEnd(bytes32 id) internal {
        vm.warp(uint256(disputes.disputeOf(id).finalAt) + 10 minutes);
        disputes.finalise(id);
    }

    /// @dev Everything that the disputes contract owes to the accounts of this fixture.
    function _owedBonds() internal view returns (uint256 owed) {
        owed = disputes.claimable(provider) + disputes.claimable(buyer) + disputes.claimable(challenger)
            + disputes.claimable(stranger) + disputes.claimable(sink);
        for (uint256 i; i < VALIDATORS; ++i) {
            owed += disputes.claimable(validator(i));
        }
    }
}
