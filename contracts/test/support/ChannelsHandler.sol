// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig, Channels, Claim} from "../../src/Channels.sol";
import {TestUSD} from "../../src/TestUSD.sol";
import {Authorization} from "../../src/types/TokenIn.sol";
import {TokenSignatures} from "./TokenSignatures.sol";
import {vm} from "./Vm.sol";

/// @notice Does anything that anyone may do, over few parties and few salts, so that ids are used again and again, and
/// remembers what must never be undone. A call that the contract refuses is an outcome like any other.
contract ChannelsHandler is TokenSignatures {
    uint256 internal constant PARTIES = 3;
    uint256 internal constant SALTS = 3;
    uint256 internal constant KEY = 0xA11CE;
    uint40 internal constant DELAY = 15 minutes;

    address internal immutable RUNNER = msg.sender;
    TestUSD public immutable TOKEN;
    Channels public immutable CHANNELS;
    /// @dev The same code with the same token: its vouchers must be worth nothing to `CHANNELS`.
    Channels public immutable TWIN;

    uint256 public donated;
    /// @dev What deposits by signature brought in all: at most what was signed for.
    uint256 public authorized;
    bytes32[] internal ids;
    mapping(bytes32 id => bool) internal known;
    mapping(bytes32 id => bool) public everClosed;
    mapping(bytes32 id => uint256) public settledBefore;
    mapping(bytes32 id => uint256) public withdrawAtBefore;
    Claim[] internal vouchers;

    constructor() {
        TOKEN = new TestUSD();
        CHANNELS = new Channels(address(TOKEN), DELAY);
        TWIN = new Channels(address(TOKEN), DELAY);
        for (uint256 i; i < 2 * PARTIES; ++i) {
            TOKEN.mint(party(i), 1e12);
            vm.prank(party(i));
            TOKEN.approve(address(CHANNELS), type(uint256).max);
        }
    }

    /// @dev Parties 0 to 2 pay, 3 to 5 receive.
    function party(uint256 index) public pure returns (address) {
        return address(uint160(0xC0FFEE00 + index));
    }

    function partyCount() external pure returns (uint256) {
        return 2 * PARTIES;
    }

    /// @dev The account that deposits by signature alone.
    function keyHolder() public pure returns (address) {
        return vm.addr(KEY);
    }

    function channelIds() external view returns (bytes32[] memory) {
        return ids;
    }

    /// @dev After every action, what must never go back has not gone back.
    modifier watched() {
        _;
        for (uint256 i; i < ids.length; ++i) {
            Channels.ChannelState memory state = CHANNELS.channel(ids[i]);
            if (everClosed[ids[i]]) assertEq(state.status, 2, "a closed channel came back");
            if (state.status == 2) everClosed[ids[i]] = true;
            assertTrue(state.settled >= settledBefore[ids[i]], "settled went down");
            settledBefore[ids[i]] = state.settled;
            uint256 pending = withdrawAtBefore[ids[i]];
            if (pending != 0 && state.status == 1) assertEq(state.withdrawAt, pending, "an exit was moved");
            withdrawAtBefore[ids[i]] = state.withdrawAt;
        }
    }

    function deposit(uint256 who, uint256 amount) external watched {
        vm.prank(party(who % (2 * PARTIES)));
        try CHANNELS.deposit(party(who % PARTIES), bound(amount, 0, 1e9)) {} catch {}
    }

    /// @dev Few salts and amounts, so that the same authorization comes again and again; sometimes for the twin.
    function depositSigned(uint256 seed, bool forTwin) external watched {
        address owner = keyHolder();
        uint256 amount = 1 + seed % 3;
        bytes32 salt = bytes32((seed >> 8) % SALTS);
        bytes32 nonce = CHANNELS.depositNonce(owner, amount, salt);
        uint256 validBefore = type(uint256).max;
        Transfer memory move =
            Transfer(owner, forTwin ? address(TWIN) : address(CHANNELS), amount, 0, validBefore, nonce);
        bytes memory signature = receiveSignature(TOKEN, KEY, move);
        if (seed >> 255 == 0) signature = compact(signature);
        TOKEN.mint(owner, amount);
        bool used = TOKEN.authorizationState(owner, nonce);
        try CHANNELS.depositWithAuthorization(owner, amount, Authorization(0, validBefore, salt, signature)) {
            assertTrue(!forTwin && !used, "an authorization worked twice, or elsewhere");
            authorized += amount;
        } catch {
            assertTrue(forTwin || used, "an authorization did not work");
        }
    }

    /// @dev What the key deposited by signature leaves by the ordinary way.
    function withdrawSigned(uint256 amount) external watched {
        address owner = keyHolder();
        uint256 free = CHANNELS.balanceOf(owner);
        if (free == 0) return;
        vm.prank(owner);
        CHANNELS.withdraw(bound(amount, 1, free), owner);
    }

    function withdraw(uint256 who, uint256 amount) external watched {
        vm.prank(party(who % PARTIES));
        try CHANNELS.withdraw(bound(amount, 0, 1e9), party(who % PARTIES)) {} catch {}
    }

    function open(uint256 seed, uint256 amount, bool fromBalance) external watched {
        ChannelConfig memory config = _config(seed);
        bytes32 id = CHANNELS.channelId(config);
        if (!known[id]) {
            known[id] = true;
            ids.push(id);
        }
        vm.prank(config.payer);
        if (fromBalance) {
            try CHANNELS.openFromBalance(config, bound(amount, 0, 1e9)) {} catch {}
        } else {
            try CHANNELS.open(config, bound(amount, 0, 1e9)) {} catch {}
        }
    }

    function topUp(uint256 seed, uint256 who, uint256 amount, bool fromBalance) external watched {
        ChannelConfig memory config = _config(seed);
        vm.prank(party(who % (2 * PARTIES)));
        if (fromBalance) {
            try CHANNELS.topUpFromBalance(config, bound(amount, 0, 1e9)) {} catch {}
        } else {
            try CHANNELS.topUp(config, bound(amount, 0, 1e9)) {} catch {}
        }
    }

    function claim(uint256 seed, uint256 amount) external watched {
        Claim memory voucher = _voucher(seed, amount);
        try CHANNELS.claim(voucher.config, voucher.maxClaimableAmount, voucher.signature) {} catch {}
    }

    /// @dev Vouchers signed earlier, for channels that may have closed since, in any order and repeated.
    function claimBatch(uint256 seed, uint256 size) external watched {
        Claim[] memory batch = new Claim[](bound(size, 1, 8));
        for (uint256 i; i < batch.length; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            batch[i] = vouchers.length == 0 || seed % 3 == 0
                ? _voucher(seed, seed >> 128)
                : vouchers[(seed >> 64) % vouchers.length];
        }
        CHANNELS.claimBatch(batch);
    }

    function claimAndClose(uint256 seed, uint256 amount, bool atSettled) external watched {
        Claim memory voucher = _voucher(seed, amount);
        if (atSettled) {
            voucher.maxClaimableAmount = uint128(CHANNELS.channel(CHANNELS.channelId(voucher.config)).settled);
        }
        vm.prank(voucher.config.receiver);
        try CHANNELS.claimAndClose(voucher.config, voucher.maxClaimableAmount, voucher.signature) {} catch {}
    }

    function refund(uint256 seed, uint256 amount) external watched {
        ChannelConfig memory config = _config(seed);
        vm.prank(config.receiver);
        try CHANNELS.refund(config, bound(amount, 0, 1e9)) {} catch {}
    }

    function initiateWithdraw(uint256 seed) external watched {
        ChannelConfig memory config = _config(seed);
        vm.prank(config.payer);
        try CHANNELS.initiateWithdraw(config) {} catch {}
    }

    function finalizeWithdraw(uint256 seed, uint256 wait) external watched {
        vm.warp(block.timestamp + bound(wait, 0, 2 * DELAY));
        try CHANNELS.finalizeWithdraw(_config(seed)) {} catch {}
    }

    function withdrawEarned(uint256 who) external watched {
        address to = party(PARTIES + who % PARTIES);
        vm.prank(to);
        try CHANNELS.withdrawEarned(to) {} catch {}
    }

    /// @dev Tokens sent without a call: they must unbalance nothing.
    function donate(uint256 amount) external watched {
        amount = bound(amount, 0, 1e6);
        TOKEN.mint(address(CHANNELS), amount);
        donated += amount;
    }

    /// @dev Every payer leaves every channel and takes out everything, every receiver takes what it earned: what is left
    /// is what was donated. Called at the end of a run.
    function everybodyLeaves() external {
        if (msg.sender != RUNNER) return;
        for (uint256 seed; seed < PARTIES * PARTIES * SALTS; ++seed) {
            ChannelConfig memory config =
                _config(seed % PARTIES | (seed / PARTIES % PARTIES) << 8 | (seed / PARTIES / PARTIES) << 16);
            Channels.ChannelState memory state = CHANNELS.channel(CHANNELS.channelId(config));
            if (state.status != 1) continue;
            if (state.withdrawAt == 0) {
                vm.prank(config.payer);
                CHANNELS.initiateWithdraw(config);
            }
            vm.warp(block.timestamp + DELAY);
            CHANNELS.finalizeWithdraw(config);
        }
        for (uint256 i; i <= 2 * PARTIES; ++i) {
            address who = i == 2 * PARTIES ? keyHolder() : party(i);
            uint256 free = CHANNELS.balanceOf(who);
            vm.startPrank(who);
            if (free != 0) CHANNELS.withdraw(free, who);
            if (CHANNELS.earned(who) != 0) CHANNELS.withdrawEarned(who);
            vm.stopPrank();
        }
        assertEq(TOKEN.balanceOf(address(CHANNELS)), donated, "nothing is stuck, and nothing is missing");
    }

    /// @dev Vouchers for the twin contract, or for this one on another chain, redeem nothing here.
    function replayFromElsewhere(uint256 seed, uint256 amount, bool otherChain) external watched {
        ChannelConfig memory config = _config(seed);
        uint128 cumulative = uint128(bound(amount, 1, 1e9));
        bytes32 digest;
        if (otherChain) {
            uint256 here = block.chainid;
            vm.chainId(here + 1);
            digest = CHANNELS.voucherDigest(CHANNELS.channelId(config), cumulative);
            vm.chainId(here);
        } else {
            digest = TWIN.voucherDigest(TWIN.channelId(config), cumulative);
        }
        try CHANNELS.claim(config, cumulative, _sign(digest)) {
            assertTrue(false, "a voucher from elsewhere was redeemed");
        } catch {}
    }

    function _config(uint256 seed) internal view returns (ChannelConfig memory config) {
        config.payer = party(seed % PARTIES);
        config.payerAuthorizer = vm.addr(KEY);
        config.receiver = party(PARTIES + (seed >> 8) % PARTIES);
        config.receiverAuthorizer = address(0);
        config.token = address(TOKEN);
        config.withdrawDelay = DELAY;
        config.salt = bytes32((seed >> 16) % SALTS);
    }

    function _voucher(uint256 seed, uint256 amount) internal returns (Claim memory voucher) {
        ChannelConfig memory config = _config(seed);
        bytes32 id = CHANNELS.channelId(config);
        // Half of the vouchers lie within the deposit, the others around it.
        uint256 escrow = CHANNELS.channel(id).deposit;
        uint128 cumulative = uint128(bound(amount, 0, seed >> 255 == 0 ? escrow : 2 * escrow + 1));
        voucher = Claim(config, cumulative, _sign(CHANNELS.voucherDigest(id, cumulative)));
        vouchers.push(voucher);
    }

    function _sign(bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        return abi.encodePacked(r, s, v);
    }
}
