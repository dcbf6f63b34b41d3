// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig, Channels} from "../../src/Channels.sol";
import {FeeSplitter} from "../../src/FeeSplitter.sol";
import {Passes} from "../../src/passes/Passes.sol";
import {RefundInsurance} from "../../src/RefundInsurance.sol";
import {Pass, PassChannelView, PassTerms} from "../../src/types/Pass.sol";
import {DisputesFixture} from "./DisputesFixture.sol";
import {vm} from "./Vm.sol";

/// @notice All contracts with passes, an issuer with one tier, a holder, a gateway's wallet and two providers.
abstract contract PassesFixture is DisputesFixture {
    uint256 internal constant SIGNER_KEY = 0x5E55;
    uint256 internal constant PRICE = 20 * DOLLAR;
    uint256 internal constant FEE = DOLLAR;
    uint256 internal constant NET = 19 * DOLLAR;
    uint256 internal constant QUOTA = 10_000_000;
    uint256 internal constant PERIOD = 30 days;

    FeeSplitter internal splitter;
    RefundInsurance internal insurance;
    Passes internal passes;
    uint256 internal tier;

    address internal issuer = address(0xC001);
    address internal holder = address(0xC002);
    address internal gateway = address(0xC003);
    address internal second = address(0xC004);
    address internal signer = vm.addr(SIGNER_KEY);

    function setUp() public virtual override {
        super.setUp();
        _makePasses();
    }

    function _makePasses() internal {
        insurance = new RefundInsurance(disputes);
        address[] memory accounts = new address[](2);
        uint256[] memory shares = new uint256[](2);
        (accounts[0], accounts[1]) = (sink, address(insurance));
        (shares[0], shares[1]) = (9_500, 500);
        splitter = new FeeSplitter(accounts, shares);
        passes = new Passes(channels, disputes, address(splitter), insurance, passTerms());
        vm.prank(issuer);
        tier = passes.createTier(PRICE, PERIOD, QUOTA, 60, 0, "thirty days");
        address[4] memory buyers = [holder, gateway, second, stranger];
        for (uint256 i; i < 4; ++i) {
            token.mint(buyers[i], 1_000 * DOLLAR);
            vm.prank(buyers[i]);
            token.approve(address(passes), type(uint256).max);
        }
    }

    function passTerms() internal pure returns (PassTerms memory) {
        return PassTerms({
            minPeriod: 1 hours,
            rootWindow: 7 days,
            objectionWindow: 3 days,
            claimWindow: 30 days,
            objectionBond: uint128(25 * DOLLAR)
        });
    }

    function _buy() internal returns (uint256 passId) {
        vm.prank(holder);
        return passes.buy(tier, gateway, signer, PRICE);
    }

    /// @dev Puts money into the channel with a provider, and has the provider redeem `spent` of it in all.
    function _use(uint256 passId, address to, uint256 amount, uint256 spent) internal {
        if (amount != 0) {
            vm.prank(gateway);
            passes.fund(passId, to, amount);
        }
        if (spent != 0) _claim(_channelWith(passId, to), spent);
    }

    function _channelWith(uint256 passId, address to) internal view returns (ChannelConfig memory config) {
        PassChannelView[] memory list = passes.channelsOf(passId);
        for (uint256 i; i < list.length; ++i) {
            if (list[i].config.receiver == to) config = list[i].config;
        }
    }

    function _claim(ChannelConfig memory config, uint256 amount) internal {
        bytes32 digest = channels.voucherDigest(channels.channelId(config), uint128(amount));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SIGNER_KEY, digest);
        channels.claim(config, uint128(amount), abi.encodePacked(r, s, v));
    }

    /// @dev Reclaims every channel of an ended pass, whose delays are over, and settles it.
    function _wind(uint256 passId) internal {
        vm.warp(block.timestamp + passes.WITHDRAW_DELAY());
        while (passes.channelsOf(passId).length != 0) {
            passes.reclaim(passId, 0);
        }
        passes.settle(passId);
    }

    /// @dev Everything that the contract owes to somebody, over these accounts, passes and periods.
    function _owedByPasses(address[] memory accounts, uint256 lastPass, uint256 lastTier, uint256[] memory periods)
        internal
        view
        returns (uint256 owed)
    {
        owed = passes.owed(address(splitter)) + passes.owed(address(insurance)) + passes.unassigned();
        for (uint256 i; i < accounts.length; ++i) {
            owed += passes.owed(accounts[i]);
        }
        for (uint256 id = 1; id <= lastPass; ++id) {
            Pass memory pass = passes.passOf(id);
            owed += pass.balance + pass.fee;
        }
        for (uint256 id = 1; id <= lastTier; ++id) {
            for (uint256 i; i < periods.length; ++i) {
                owed += passes.surplusOf(id, periods[i]).remaining;
            }
        }
    }
}
