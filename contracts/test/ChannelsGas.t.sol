// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig, Channels, Claim} from "../src/Channels.sol";
import {ChannelsFixture} from "./support/ChannelsFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice The gas gates, in the usual case: slots of payer and receiver are not zero, the token is approved for exactly
/// what is deposited. Each call is a transaction of its own, so that the figures are those of receipts;
/// `packages/chain/src/gas.test.ts` reads real ones.
/// forge-config: default.isolate = true
contract ChannelsGasTest is ChannelsFixture {
    uint256 internal constant BATCH = 100;
    uint256 internal constant SALT = uint256(keccak256("a salt without zero bytes, near enough"));
    uint256 internal constant ESCROW = 12_345_678;
    uint128 internal constant SPENT = 1_234_567;

    function setUp() public override {
        super.setUp();
        // Parties with addresses as long as real ones; short ones would be cheaper.
        payer = vm.addr(1);
        receiver = vm.addr(2);
        receiverAuthorizer = vm.addr(3);
        stranger = vm.addr(4);
        fund(payer, 100_000 * DOLLAR);
        vm.prank(payer);
        channels.deposit(payer, 10_000 * DOLLAR);
        (ChannelConfig memory config, bytes32 id) = openChannel(SALT, ESCROW);
        channels.claim(config, SPENT, signVoucher(SIGNER_KEY, id, SPENT));
    }

    function test_gas_openFromBalance() public {
        ChannelConfig memory config = configOf(SALT + 1);
        vm.prank(payer);
        channels.openFromBalance(config, ESCROW);
        gate("openFromBalance", 58_000);
    }

    function test_gas_openWithTransfer() public {
        ChannelConfig memory config = configOf(SALT + 1);
        vm.prank(payer);
        token.approve(address(channels), ESCROW);
        vm.prank(payer);
        channels.open(config, ESCROW);
        gate("openWithTransfer", 72_000);
    }

    function test_gas_settle() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(SALT + 1, ESCROW);
        bytes memory signature = signVoucher(SIGNER_KEY, id, SPENT);
        channels.claim(config, SPENT, signature);
        gate("settle", 44_000);
    }

    function test_gas_settleAndClose() public {
        (ChannelConfig memory config, bytes32 id) = openChannel(SALT + 1, ESCROW);
        bytes memory signature = signVoucher(SIGNER_KEY, id, SPENT);
        vm.prank(receiver);
        channels.claimAndClose(config, SPENT, signature);
        gate("settleAndClose", 52_000);
    }

    function test_gas_batch100PerChannel() public {
        Claim[] memory claims = new Claim[](BATCH);
        for (uint256 i; i < BATCH; ++i) {
            (ChannelConfig memory config,) = openChannel(SALT + 1 + i, ESCROW);
            claims[i] = claimOf(config, SPENT);
        }
        (, uint256 skipped) = channels.claimBatch(claims);
        uint256 used = vm.lastCallGas().gasTotalUsed / BATCH;
        assertEq(skipped, 0, "skipped");
        emit log_named_uint("batch100PerChannel", used);
        assertLe(used, 16_500, "batch100PerChannel");
    }

    function test_gas_finalise() public {
        (ChannelConfig memory config,) = openChannel(SALT + 1, ESCROW);
        vm.prank(payer);
        channels.initiateWithdraw(config);
        vm.warp(block.timestamp + DELAY);
        vm.prank(stranger);
        channels.finalizeWithdraw(config);
        gate("finalise", 50_000);
    }

    function gate(string memory name, uint256 limit) internal {
        uint256 used = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint(name, used);
        assertLe(used, limit, name);
        // A transaction costs at least 21,000: below that, isolation is off and the gate means nothing.
        assertTrue(used > 21_000, "not measured as a transaction");
    }
}
