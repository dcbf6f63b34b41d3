// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig, Channels, Claim} from "../src/Channels.sol";
import {ChannelSlot, ChannelSlotLib} from "../src/types/ChannelSlot.sol";
import {ChannelsFixture} from "./support/ChannelsFixture.sol";
import {vm} from "./support/Vm.sol";

contract ChannelsFuzzTest is ChannelsFixture {
    function testFuzz_slot_keepsItsMembersApart(
        uint96 deposit,
        uint96 settled,
        uint40 withdrawAt,
        uint8 status,
        uint96 next
    ) public pure {
        ChannelSlot slot = ChannelSlotLib.pack(deposit, settled, withdrawAt, status);
        assertEq(slot.deposit(), deposit, "deposit");
        assertEq(slot.settled(), settled, "settled");
        assertEq(slot.withdrawAt(), withdrawAt, "withdrawAt");
        assertEq(slot.status(), status, "status");
        assertEq(
            bytes32(ChannelSlot.unwrap(slot.withSettled(next))),
            bytes32(ChannelSlot.unwrap(ChannelSlotLib.pack(deposit, next, withdrawAt, status))),
            "withSettled"
        );
    }

    /// @dev Whatever is claimed, in any order, the receiver ends with the largest voucher within the deposit and the
    /// payer with the rest.
    function testFuzz_claims_conserveMoney(uint96 amount, uint128[8] memory vouchers, uint96 extra) public {
        uint256 escrow = bound(amount, 1, 400 * DOLLAR);
        uint256 more = bound(extra, 0, 50 * DOLLAR);
        (ChannelConfig memory config, bytes32 id) = openChannel(1, escrow);
        uint256 best;
        for (uint256 i; i < vouchers.length; ++i) {
            if (i == 4 && more != 0) {
                vm.prank(stranger);
                channels.topUp(config, more);
                escrow += more;
            }
            uint128 cumulative = uint128(bound(vouchers[i], 0, 2 * escrow));
            try channels.claim(config, cumulative, signVoucher(SIGNER_KEY, id, cumulative)) {
                assertTrue(cumulative > best && cumulative <= escrow, "claimed although it should not");
                best = cumulative;
            } catch {
                assertTrue(cumulative <= best || cumulative > escrow, "refused although it should not");
            }
            assertEq(channels.earned(receiver), best, "earned");
        }
        uint256 free = channels.balanceOf(payer);
        vm.prank(payer);
        channels.initiateWithdraw(config);
        vm.warp(block.timestamp + DELAY);
        channels.finalizeWithdraw(config);
        assertEq(channels.balanceOf(payer), free + escrow - best, "returned");
        assertEq(
            token.balanceOf(address(channels)), channels.balanceOf(payer) + channels.earned(receiver), "all is owed"
        );
    }

    function testFuzz_anySignatureByAnotherKeyIsRefused(uint256 key, uint96 amount, bytes calldata noise) public {
        key = bound(key, 1, 2 ** 255);
        vm.assume(vm.addr(key) != signer);
        uint128 cumulative = uint128(bound(amount, 1, 100));
        (ChannelConfig memory config, bytes32 id) = openChannel(1, 100);
        bytes memory signature = signVoucher(key, id, cumulative);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignature.selector, id));
        channels.claim(config, cumulative, signature);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignature.selector, id));
        channels.claim(config, cumulative, noise);
    }

    /// @dev One batch does what the same vouchers do one after another, bad ones, repeated ones and gifts among them.
    function testFuzz_batchEqualsSequence(uint256 seed, uint8 size) public {
        Claim[] memory claims = _randomClaims(seed, 1 + size % 24);
        // Neither tokens nor deposits that nobody asked for make a difference between the two.
        token.mint(address(channels), seed % 1_000);
        vm.prank(stranger);
        channels.topUp(_config(seed % 3), 1 + seed % 50);
        bytes32[] memory ids = new bytes32[](4);
        for (uint256 i; i < ids.length; ++i) {
            ids[i] = channels.channelId(_config(i));
        }

        uint256 start = vm.snapshotState();
        uint256 refused;
        for (uint256 i; i < claims.length; ++i) {
            try channels.claim(claims[i].config, claims[i].maxClaimableAmount, claims[i].signature) {}
            catch {
                ++refused;
            }
        }
        bytes32 sequential = _fingerprint(ids);
        uint256 earnedOneByOne = channels.earned(receiver) + channels.earned(receiverAuthorizer);
        vm.revertToState(start);

        (uint256 credited, uint256 skipped) = channels.claimBatch(claims);
        assertEq(_fingerprint(ids), sequential, "state");
        assertEq(skipped, refused, "skipped");
        assertEq(credited, earnedOneByOne, "credited");
    }

    /// @dev In whatever order a batch stands, each channel ends with its best good voucher, and one bad one blocks none.
    function testFuzz_batchOrderChangesNoChannel(uint256 seed, uint8 size) public {
        Claim[] memory claims = _randomClaims(seed, 1 + size % 24);
        uint256[4] memory best;
        for (uint256 i; i < claims.length; ++i) {
            uint256 index = uint256(claims[i].config.salt);
            bytes memory good =
                signVoucher(SIGNER_KEY, channels.channelId(claims[i].config), claims[i].maxClaimableAmount);
            bool counts =
                keccak256(good) == keccak256(claims[i].signature) && index < 3 && claims[i].maxClaimableAmount <= 100;
            if (counts && claims[i].maxClaimableAmount > best[index]) best[index] = claims[i].maxClaimableAmount;
        }
        for (uint256 i = claims.length - 1; i > 0; --i) {
            seed = uint256(keccak256(abi.encode(seed)));
            (claims[i], claims[seed % (i + 1)]) = (claims[seed % (i + 1)], claims[i]);
        }
        channels.claimBatch(claims);
        for (uint256 i; i < 3; ++i) {
            assertEq(channels.channel(channels.channelId(_config(i))).settled, best[i], "settled");
        }
        assertEq(channels.earned(receiver) + channels.earned(receiverAuthorizer), best[0] + best[1] + best[2], "all");
    }

    function _config(uint256 index) internal view returns (ChannelConfig memory config) {
        config = configOf(index);
        // Two receivers, so that a batch changes receiver and comes back.
        if (index % 2 == 1) config.receiver = receiverAuthorizer;
    }

    function _randomClaims(uint256 seed, uint256 size) internal returns (Claim[] memory claims) {
        for (uint256 i; i < 3; ++i) {
            vm.prank(payer);
            channels.openFromBalance(_config(i), 100);
        }
        claims = new Claim[](size);
        for (uint256 i; i < size; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            ChannelConfig memory config = _config(seed % 4); // the fourth was never opened
            uint128 amount = uint128((seed >> 8) % 130); // some above the deposit, some stale
            uint256 key = (seed >> 64) % 5 == 0 ? 0xB0B : SIGNER_KEY;
            claims[i] = Claim(config, amount, signVoucher(key, channels.channelId(config), amount));
            // One in five is one of those before it again.
            if (i != 0 && (seed >> 96) % 5 == 0) claims[i] = claims[(seed >> 128) % i];
        }
    }

    function _fingerprint(bytes32[] memory ids) internal view returns (bytes32 print) {
        for (uint256 i; i < ids.length; ++i) {
            print = keccak256(abi.encode(print, channels.channel(ids[i])));
        }
        print = keccak256(abi.encode(print, channels.earned(receiver), channels.earned(receiverAuthorizer)));
    }
}
