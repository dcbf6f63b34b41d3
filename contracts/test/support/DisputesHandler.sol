// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Receipt} from "../../src/ReceiptLog.sol";
import "../../src/types/Dispute.sol";
import {DisputesFixture} from "./DisputesFixture.sol";
import {vm} from "./Vm.sol";

/// @notice Does anything that anyone may do about a few receipts of one provider, at any time. A call that the contract
/// refuses is an outcome like any other.
contract DisputesHandler is DisputesFixture {
    bytes32[] internal ids;
    uint256 public withdrawn;
    uint256 public pulled;

    constructor() {
        _make();
    }

    /// @dev One of the calls that forge makes; all is made already.
    function setUp() public override {}

    function disputeIds() external view returns (bytes32[] memory) {
        return ids;
    }

    function owedBonds() external view returns (uint256) {
        return _owedBonds();
    }

    function held() external view returns (uint256) {
        return token.balanceOf(address(disputes));
    }

    function heldByVault() external view returns (uint256) {
        return token.balanceOf(address(vault));
    }

    /// @dev Every account that the vault can owe something to.
    function owedByVault() external view returns (uint256 owed) {
        address[5] memory parties = [provider, buyer, challenger, stranger, sink];
        for (uint256 i; i < 5; ++i) {
            owed += vault.claimable(parties[i]) + vault.stakeOf(parties[i]).amount;
        }
        for (uint256 i; i < VALIDATORS; ++i) {
            owed += vault.claimable(validator(i)) + vault.stakeOf(validator(i)).amount;
        }
    }

    function slashed() external view returns (uint256, uint256) {
        return (vault.totalSlashed(), vault.totalBonded());
    }

    function disputeOf(bytes32 id) external view returns (Dispute memory) {
        return disputes.disputeOf(id);
    }

    /// @dev Open disputes that lock an account's stake.
    function locks(address who) external view returns (uint256 expected, uint256 actual) {
        for (uint256 i; i < ids.length; ++i) {
            Dispute memory dispute = disputes.disputeOf(ids[i]);
            if (dispute.phase == PHASE_CLOSED) continue;
            if (dispute.accused == who) ++expected;
            for (uint8 round = 1; round <= 2; ++round) {
                address[] memory jurors = disputes.juryOf(ids[i], round);
                for (uint256 j; j < jurors.length; ++j) {
                    if (jurors[j] == who) ++expected;
                }
            }
        }
        actual = vault.stakeOf(who).locks;
    }

    function account(uint256 index) public view returns (address) {
        if (index < VALIDATORS) return validator(index);
        return index == VALIDATORS ? provider : index == VALIDATORS + 1 ? buyer : challenger;
    }

    function open(uint256 who, uint256 number, uint256 cost) external {
        Receipt memory receipt = _receipt(number % 6);
        receipt.cost = uint128(bound(cost, 0, 2 * STAKE));
        bytes memory signature = _sign(receipt);
        vm.prank(account(who % (VALIDATORS + 3)));
        try disputes.open(receipt, signature, _config()) returns (bytes32 id) {
            ids.push(id);
            pulled += terms().bond;
        } catch {}
    }

    function openRecord(uint256 who, uint256 upto) external {
        vm.prank(account(who % (VALIDATORS + 3)));
        try disputes.openRecord(provider, CLASS, uint64(upto % 8)) returns (bytes32 id) {
            ids.push(id);
            pulled += terms().bond;
        } catch {}
    }

    function draw(uint256 which, uint256 blocks) external {
        if (ids.length == 0) return;
        vm.roll(block.number + bound(blocks, 0, 10));
        try disputes.drawJury(ids[which % ids.length]) {} catch {}
    }

    /// @dev Votes of a whole jury: some stay away, some forget what they committed to.
    function vote(uint256 which, uint256 seed) external {
        if (ids.length == 0) return;
        bytes32 id = ids[which % ids.length];
        uint8 round = disputes.disputeOf(id).round;
        address[] memory jurors = disputes.juryOf(id, round);
        for (uint256 i; i < jurors.length; ++i) {
            uint8 verdict = uint8((seed >> (4 * i)) % 4);
            bytes32 commitment = disputes.commitmentOf(id, round, jurors[i], _ballot(verdict));
            vm.prank(jurors[i]);
            try disputes.commit(id, commitment) {} catch {}
        }
        if (seed >> 255 == 0) vm.warp(block.timestamp + 1 hours);
        for (uint256 i; i < jurors.length; ++i) {
            vm.prank(jurors[i]);
            try disputes.reveal(id, _ballot(uint8((seed >> (4 * i)) % 4))) {} catch {}
        }
        try disputes.resolve(id) {} catch {}
    }

    function appeal(uint256 which, uint256 who) external {
        if (ids.length == 0) return;
        vm.prank(account(who % (VALIDATORS + 3)));
        try disputes.appeal(ids[which % ids.length]) {
            pulled += terms().appealBond;
        } catch {}
    }

    function close(uint256 which, uint256 wait) external {
        if (ids.length == 0) return;
        vm.warp(block.timestamp + bound(wait, 0, 3 hours));
        try disputes.resolve(ids[which % ids.length]) {} catch {}
        try disputes.finalise(ids[which % ids.length]) {} catch {}
    }

    function commitSalt(uint256 number, uint256 cost) external {
        Receipt memory receipt = _receipt(number % 6);
        receipt.cost = uint128(bound(cost, 0, 2 * STAKE));
        bytes32 commitment = keccak256(abi.encode(buyer, log.receiptDigest(receipt), SALT));
        vm.prank(buyer);
        disputes.commitSalt(commitment);
    }

    function revealSalt(uint256 which) external {
        if (ids.length == 0) return;
        vm.prank(buyer);
        try disputes.revealSalt(ids[which % ids.length], SALT) {} catch {}
    }

    function unbond(uint256 who, uint256 amount, uint256 wait) external {
        address operator = account(who % (VALIDATORS + 1));
        vm.startPrank(operator);
        try vault.requestUnbond(1, bound(amount, 0, STAKE)) {} catch {}
        vm.warp(block.timestamp + bound(wait, 0, 2 days));
        uint32 lockCount = vault.stakeOf(operator).locks;
        try vault.finalizeUnbond(operator) {
            assertEq(lockCount, 0, "stake left under an open dispute");
        } catch {}
        vm.stopPrank();
    }

    function withdraw(uint256 who) external {
        address to = account(who % (VALIDATORS + 3));
        vm.startPrank(to);
        try disputes.withdraw(to) returns (uint256 amount) {
            withdrawn += amount;
        } catch {}
        try vault.withdrawClaimable(to) {} catch {}
        vm.stopPrank();
    }

    /// @dev By anyone, with nothing but the time: every dispute comes to an end.
    function endAll() external {
        vm.roll(block.number + 2);
        for (uint256 i; i < ids.length; ++i) {
            bytes32 id = ids[i];
            for (uint256 tries; disputes.disputeOf(id).phase == PHASE_DRAWING && tries < 2; ++tries) {
                vm.roll(disputes.disputeOf(id).targetBlock + 1);
                disputes.drawJury(id);
            }
            vm.warp(block.timestamp + 2 hours);
            if (disputes.disputeOf(id).phase == PHASE_VOTING) disputes.resolve(id);
            vm.warp(block.timestamp + 3 hours);
            if (disputes.disputeOf(id).phase == PHASE_TALLIED) disputes.finalise(id);
            assertEq(disputes.disputeOf(id).phase, PHASE_CLOSED, "stuck");
        }
    }
}
