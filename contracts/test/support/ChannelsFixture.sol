// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig, Channels, Claim} from "../../src/Channels.sol";
import {TestUSD} from "../../src/TestUSD.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice A token, the contract under test, a payer with a signer, and a receiver.
abstract contract ChannelsFixture is Test {
    uint40 internal constant MIN_DELAY = 15 minutes;
    uint40 internal constant DELAY = 1 hours;
    uint256 internal constant DOLLAR = 1e6;
    uint256 internal constant SIGNER_KEY = 0xA11CE;

    TestUSD internal token;
    Channels internal channels;
    address internal payer = address(0xBEEF01);
    address internal receiver = address(0xBEEF02);
    address internal receiverAuthorizer = address(0xBEEF03);
    address internal stranger = address(0xBEEF04);
    address internal signer = vm.addr(SIGNER_KEY);

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        token = new TestUSD();
        channels = new Channels(address(token), MIN_DELAY);
        fund(payer, 1_000 * DOLLAR);
        fund(stranger, 1_000 * DOLLAR);
        vm.prank(payer);
        channels.deposit(payer, 500 * DOLLAR);
    }

    function fund(address who, uint256 amount) internal {
        token.mint(who, amount);
        vm.prank(who);
        token.approve(address(channels), type(uint256).max);
    }

    function configOf(uint256 salt) internal view returns (ChannelConfig memory) {
        return ChannelConfig({
            payer: payer,
            payerAuthorizer: signer,
            receiver: receiver,
            receiverAuthorizer: receiverAuthorizer,
            token: address(token),
            withdrawDelay: DELAY,
            salt: bytes32(salt)
        });
    }

    function openChannel(uint256 salt, uint256 amount) internal returns (ChannelConfig memory config, bytes32 id) {
        config = configOf(salt);
        vm.prank(payer);
        channels.openFromBalance(config, amount);
        id = channels.channelId(config);
    }

    function signVoucher(uint256 key, bytes32 id, uint128 amount) internal view returns (bytes memory) {
        return signDigest(key, channels.voucherDigest(id, amount));
    }

    function signDigest(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function claimOf(ChannelConfig memory config, uint128 amount) internal view returns (Claim memory) {
        return Claim(config, amount, signVoucher(SIGNER_KEY, channels.channelId(config), amount));
    }

    function assertState(bytes32 id, uint256 deposited, uint256 settled, uint256 withdrawAt, uint256 status)
        internal
        view
    {
        Channels.ChannelState memory state = channels.channel(id);
        assertEq(state.deposit, deposited, "deposit");
        assertEq(state.settled, settled, "settled");
        assertEq(state.withdrawAt, withdrawAt, "withdrawAt");
        assertEq(state.status, status, "status");
    }
}
