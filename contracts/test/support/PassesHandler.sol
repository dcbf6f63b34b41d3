// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig, Channels} from "../../src/Channels.sol";
import {Pass, PassChannelView, Surplus} from "../../src/types/Pass.sol";
import {PassesFixture} from "./PassesFixture.sol";
import {vm} from "./Vm.sol";

/// @notice Does anything that anyone may do with few passes, tiers and providers, so that they meet again and again, and
/// keeps books of its own. A call that the contract refuses is an outcome like any other.
contract PassesHandler is PassesFixture {
    uint256 internal constant TIERS = 3;
    uint256 internal constant MAX_PASSES = 8;
    uint256 internal constant DAY = 1 days;
    address internal immutable RUNNER = msg.sender;

    struct Book {
        uint256 paid;
        uint256 spent;
        uint256 refunded;
        uint256 fees;
        uint256 surplus;
        uint40 endedAt;
    }

    struct Voucher {
        ChannelConfig config;
        uint128 amount;
        bytes signature;
    }

    Channels internal twin;
    mapping(uint256 passId => Book) internal books;
    mapping(uint256 tierId => mapping(uint256 period => uint256)) internal added;
    mapping(uint256 tierId => mapping(uint256 period => uint256)) internal taken;
    uint256[] internal periods;
    mapping(uint256 period => bool) internal seen;
    Voucher[] internal vouchers;
    /// @dev Amounts of the two leaves of a root, in halves.
    mapping(bytes32 root => uint256) internal amountsOf;

    uint256 public donated;
    uint256 public bonds;

    constructor() {
        _make();
        _makePasses();
        vm.startPrank(issuer);
        // Dearer, and so cheap that everything is rounding.
        passes.createTier(3 * PRICE, 2 * DAY, QUOTA, 0, 0, "");
        passes.createTier(7, DAY, 3, 0, 0, "");
        vm.stopPrank();
        twin = new Channels(address(token), 1);
        for (uint256 i; i < 3; ++i) {
            token.mint(_holder(i), 1e12);
            vm.startPrank(_holder(i));
            token.approve(address(passes), type(uint256).max);
            token.approve(address(channels), type(uint256).max);
            vm.stopPrank();
        }
    }

    /// @dev One of the calls that forge makes; all is made already.
    function setUp() public override {}

    /* WHAT INVARIANTS READ */

    function everyUnit() external view returns (uint256 heldUnits, uint256 owedUnits) {
        address[] memory accounts = new address[](7);
        for (uint256 i; i < 3; ++i) {
            accounts[i] = _holder(i);
            accounts[3 + i] = _provider(i);
        }
        accounts[6] = issuer;
        heldUnits = token.balanceOf(address(passes));
        owedUnits = donated + _owedByPasses(accounts, passes.passCount(), TIERS, periods);
    }

    /// @dev What is in and behind the channels of passes covers what the passes count on.
    function behindChannels() external view returns (uint256 there, uint256 counted) {
        there = channels.balanceOf(address(passes));
        for (uint256 id = 1; id <= passes.passCount(); ++id) {
            PassChannelView[] memory list = passes.channelsOf(id);
            uint256 drawn;
            for (uint256 i; i < list.length; ++i) {
                Channels.ChannelState memory state = channels.channel(channels.channelId(list[i].config));
                there += state.deposit - state.settled;
                counted += list[i].funded > state.settled ? list[i].funded - state.settled : 0;
                drawn += list[i].funded;
            }
            assertEq(passes.passOf(id).drawn, drawn, "drawn");
            assertLe(list.length, passes.MAX_PASS_CHANNELS(), "channels");
        }
    }

    /// @dev Each pass: what came in is what went out and what is there; and no more comes out than the price less the fee.
    function checkBooks() external view {
        for (uint256 id = 1; id <= passes.passCount(); ++id) {
            Book storage book = books[id];
            Pass memory pass = passes.passOf(id);
            uint256 out = book.spent + book.refunded + book.surplus;
            assertEq(book.paid, out + book.fees + pass.balance + pass.fee + pass.drawn, "a pass's books");
            if (pass.settled) assertLe(out, book.paid - book.fees, "more came out than was paid, less the fee");
            if (pass.settled) assertEq(pass.balance + pass.fee + pass.drawn, 0, "a settled pass holds money");
            if (!pass.settled) assertLe(passes.refundable(id), book.paid, "a refund above what was paid");
            if (book.endedAt != 0) assertEq(pass.endedAt, book.endedAt, "an end was moved");
            assertEq(passes.balanceOf(pass.holder, id), 1, "its holder holds it");
        }
        for (uint256 tierId = 1; tierId <= TIERS; ++tierId) {
            for (uint256 i; i < periods.length; ++i) {
                uint256 left = passes.surplusOf(tierId, periods[i]).remaining;
                assertEq(added[tierId][periods[i]], taken[tierId][periods[i]] + left, "a surplus's books");
            }
        }
    }

    /* WHAT ANYONE MAY DO */

    function buy(uint256 who, uint256 which, bool withOperator) external {
        if (passes.passCount() == MAX_PASSES) return;
        uint256 tierId = 1 + which % TIERS;
        vm.prank(_holder(who % 3));
        uint256 id = passes.buy(tierId, withOperator ? gateway : address(0), signer, type(uint256).max);
        books[id].paid = passes.tierOf(tierId).price;
    }

    function renew(uint256 which, uint256 who) external {
        uint256 id = _pick(which);
        if (id == 0) return;
        vm.prank(_holder(who % 3));
        try passes.renew(id) {
            books[id].paid += passes.tierOf(passes.passOf(id).tier).price;
        } catch {}
    }

    function upgrade(uint256 which, uint256 to) external {
        uint256 id = _pick(which);
        if (id == 0) return;
        Pass memory pass = passes.passOf(id);
        uint256 before = token.balanceOf(pass.holder);
        (uint256 fees, uint256 surplus, uint256 period) = _watch(pass.tier);
        vm.prank(pass.holder);
        try passes.upgrade(id, 1 + to % TIERS, type(uint256).max) {
            books[id].paid += before - token.balanceOf(pass.holder);
            _note(id, pass.tier, fees, surplus, period);
        } catch {}
    }

    function setOperator(uint256 which, bool withOperator, bool withSigner) external {
        uint256 id = _pick(which);
        if (id == 0) return;
        vm.prank(passes.passOf(id).holder);
        try passes.setOperator(id, withOperator ? gateway : address(0), withSigner ? signer : address(0)) {} catch {}
    }

    function fund(uint256 which, uint256 to, uint256 amount, bool byOperator) external {
        uint256 id = _pick(which);
        if (id == 0) return;
        Pass memory pass = passes.passOf(id);
        amount = bound(amount, 0, uint256(pass.balance) + 1);
        vm.prank(byOperator ? gateway : pass.holder);
        try passes.fund(id, _provider(to % 3), amount) {} catch {}
    }

    /// @dev Spends of one channel, within and around its deposit.
    function spend(uint256 which, uint256 index, uint256 amount, bool andClose) external {
        (, ChannelConfig memory config, bool found) = _pickChannel(which, index);
        if (!found) return;
        Voucher memory voucher = _voucher(channels, config, amount);
        vouchers.push(voucher);
        vm.prank(config.receiver);
        if (andClose) {
            try channels.claimAndClose(config, voucher.amount, voucher.signature) {} catch {}
        } else {
            try channels.claim(config, voucher.amount, voucher.signature) {} catch {}
        }
    }

    /// @dev Vouchers of before, and of another contract or chain.
    function replay(uint256 which, uint256 index, uint256 amount, uint256 how) external {
        if (how % 3 == 0 && vouchers.length != 0) {
            Voucher memory old = vouchers[amount % vouchers.length];
            try channels.claim(old.config, old.amount, old.signature) {} catch {}
            return;
        }
        (, ChannelConfig memory config, bool found) = _pickChannel(which, index);
        if (!found) return;
        uint256 here = block.chainid;
        if (how % 3 == 1) vm.chainId(here + 1);
        Voucher memory foreign = _voucher(how % 3 == 1 ? channels : twin, config, amount);
        vm.chainId(here);
        if (foreign.amount == 0) return;
        try channels.claim(config, foreign.amount, foreign.signature) {
            assertTrue(false, "a voucher from elsewhere was redeemed");
        } catch {}
    }

    function refundOrGift(uint256 which, uint256 index, uint256 amount, bool gift) external {
        (, ChannelConfig memory config, bool found) = _pickChannel(which, index);
        if (!found) return;
        amount = bound(amount, 1, 1e7);
        if (gift) {
            vm.prank(_holder(index % 3));
            try channels.topUp(config, amount) {} catch {}
        } else {
            vm.prank(config.receiver);
            try channels.refund(config, amount) {} catch {}
        }
    }

    function beginExit(uint256 which, uint256 index) external {
        (, ChannelConfig memory config, bool found) = _pickChannel(which, index);
        if (!found) return;
        vm.prank(signer);
        try channels.initiateWithdraw(config) {} catch {}
    }

    function finishExit(uint256 which, uint256 index) external {
        (, ChannelConfig memory config, bool found) = _pickChannel(which, index);
        if (!found) return;
        try channels.finalizeWithdraw(config) {} catch {}
    }

    function end(uint256 which, bool byHolder) external {
        uint256 id = _pick(which);
        if (id == 0) return;
        vm.prank(passes.passOf(id).holder);
        if (byHolder) {
            try passes.cancel(id) {
                books[id].endedAt = passes.passOf(id).endedAt;
            } catch {}
        } else {
            try passes.expire(id) {
                books[id].endedAt = passes.passOf(id).endedAt;
            } catch {}
        }
    }

    function reclaim(uint256 which, uint256 index) external {
        uint256 id = _pick(which);
        uint256 count = passes.channelsOf(id).length;
        if (count != 0) _reclaim(id, index % count);
    }

    function settle(uint256 which) external {
        uint256 id = _pick(which);
        if (id != 0) _settle(id);
    }

    function transfer(uint256 which, uint256 to) external {
        uint256 id = _pick(which);
        if (id == 0) return;
        address from = passes.passOf(id).holder;
        vm.prank(from);
        try passes.safeTransferFrom(from, _holder(to % 3), id, 1, "") {} catch {}
    }

    function takeOut(uint256 who, bool forwarding) external {
        if (forwarding) {
            try passes.forward(who % 2 == 0 ? address(splitter) : address(insurance)) {} catch {}
            return;
        }
        address to = who % 2 == 0 ? _holder(who / 2 % 3) : _provider(who / 2 % 3);
        vm.prank(to);
        try passes.withdraw(to) {} catch {}
    }

    /// @dev A root that gives two providers this much, honest or not.
    function postRoot(uint256 which, uint256 back, uint256 a, uint256 b) external {
        (uint256 tierId, uint256 period) = _pickPeriod(which, back);
        uint256 remaining = passes.surplusOf(tierId, period).remaining;
        a = bound(a, 0, remaining + 1);
        b = bound(b, 0, remaining + 1);
        (bytes32 x, bytes32 y) = (_leaf(tierId, period, 0, a), _leaf(tierId, period, 1, b));
        bytes32 root = x < y ? keccak256(abi.encode(x, y)) : keccak256(abi.encode(y, x));
        vm.prank(issuer);
        try passes.postRoot(tierId, period, root) {
            amountsOf[root] = a << 128 | b;
        } catch {}
    }

    function claimShare(uint256 which, uint256 back, bool first) external {
        (uint256 tierId, uint256 period) = _pickPeriod(which, back);
        uint256 amounts = amountsOf[passes.surplusOf(tierId, period).root];
        (uint256 a, uint256 b) = (amounts >> 128, uint128(amounts));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = first ? _leaf(tierId, period, 1, b) : _leaf(tierId, period, 0, a);
        vm.prank(_provider(first ? 0 : 1));
        try passes.claimShare(tierId, period, first ? a : b, proof) {
            taken[tierId][period] += first ? a : b;
        } catch {}
    }

    function close(uint256 which, uint256 back, bool byObjection) external {
        (uint256 tierId, uint256 period) = _pickPeriod(which, back);
        uint256 remaining = passes.surplusOf(tierId, period).remaining;
        if (byObjection) {
            vm.prank(_holder(0));
            try passes.object(tierId, period) {
                taken[tierId][period] += remaining;
                bonds += passes.OBJECTION_BOND();
            } catch {}
        } else {
            try passes.sweep(tierId, period) {
                taken[tierId][period] += remaining;
            } catch {}
        }
    }

    function donate(uint256 amount, bool toChannels) external {
        amount = bound(amount, 0, 1e6);
        token.mint(toChannels ? address(channels) : address(passes), amount);
        if (!toChannels) donated += amount;
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 2 * DAY));
    }

    /// @dev By anyone, with nothing but the time: every pass comes to an end, and all that is owed is paid. Called at the
    /// end of a run.
    function endAll() external {
        if (msg.sender != RUNNER) return;
        for (uint256 id = 1; id <= passes.passCount(); ++id) {
            Pass memory pass = passes.passOf(id);
            if (pass.settled) continue;
            if (pass.endedAt == 0) {
                if (block.timestamp < pass.end) vm.warp(pass.end);
                passes.expire(id);
            }
            vm.warp(block.timestamp + 1);
            for (uint256 left = passes.channelsOf(id).length; left != 0; --left) {
                _reclaim(id, left - 1);
            }
            _settle(id);
            assertTrue(passes.passOf(id).settled, "a pass could not be settled");
        }
        vm.warp(block.timestamp + 100 days);
        for (uint256 tierId = 1; tierId <= TIERS; ++tierId) {
            for (uint256 i; i < periods.length; ++i) {
                uint256 remaining = passes.surplusOf(tierId, periods[i]).remaining;
                if (remaining == 0) continue;
                passes.sweep(tierId, periods[i]);
                taken[tierId][periods[i]] += remaining;
            }
        }
        address[6] memory parties = [_holder(0), _holder(1), _holder(2), _provider(0), _provider(1), _provider(2)];
        for (uint256 i; i < 6; ++i) {
            if (passes.owed(parties[i]) == 0) continue;
            vm.prank(parties[i]);
            passes.withdraw(parties[i]);
        }
        if (passes.owed(address(splitter)) != 0) passes.forward(address(splitter));
        if (passes.owed(address(insurance)) != 0) passes.forward(address(insurance));
        assertEq(token.balanceOf(address(passes)), donated, "nothing is stuck, and nothing is missing");
    }

    /* INTERNAL */

    function _reclaim(uint256 id, uint256 index) internal {
        PassChannelView memory channel = passes.channelsOf(id)[index];
        try passes.reclaim(id, index) {
            uint256 settled = channels.channel(channels.channelId(channel.config)).settled;
            books[id].spent += settled < channel.funded ? settled : channel.funded;
        } catch {}
    }

    function _settle(uint256 id) internal {
        Pass memory pass = passes.passOf(id);
        (uint256 fees, uint256 surplus, uint256 period) = _watch(pass.tier);
        uint256 before = passes.owed(pass.holder);
        try passes.settle(id) {
            books[id].refunded += passes.owed(pass.holder) - before;
            _note(id, pass.tier, fees, surplus, period);
        } catch {}
    }

    function _watch(uint256 tierId) internal returns (uint256 fees, uint256 surplus, uint256 period) {
        fees = passes.owed(address(splitter));
        period = passes.periodOf(tierId);
        surplus = passes.surplusOf(tierId, period).remaining;
        if (!seen[period]) {
            seen[period] = true;
            periods.push(period);
        }
    }

    function _note(uint256 id, uint256 tierId, uint256 fees, uint256 surplus, uint256 period) internal {
        uint256 gained = passes.surplusOf(tierId, period).remaining - surplus;
        books[id].fees += passes.owed(address(splitter)) - fees;
        books[id].surplus += gained;
        added[tierId][period] += gained;
    }

    function _holder(uint256 index) internal pure returns (address) {
        return address(uint160(0xAA00 + index));
    }

    function _provider(uint256 index) internal pure returns (address) {
        return address(uint160(0xBB00 + index));
    }

    function _pick(uint256 which) internal view returns (uint256) {
        uint256 count = passes.passCount();
        return count == 0 ? 0 : 1 + which % count;
    }

    function _pickChannel(uint256 which, uint256 index)
        internal
        view
        returns (uint256 id, ChannelConfig memory config, bool found)
    {
        id = _pick(which);
        PassChannelView[] memory list = passes.channelsOf(id);
        if (list.length != 0) return (id, list[index % list.length].config, true);
    }

    function _pickPeriod(uint256 which, uint256 back) internal view returns (uint256 tierId, uint256 period) {
        tierId = 1 + which % TIERS;
        period = periods.length == 0 ? 0 : periods[back % periods.length];
    }

    function _leaf(uint256 tierId, uint256 period, uint256 who, uint256 amount) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(tierId, period, _provider(who), amount))));
    }

    function _voucher(Channels of_, ChannelConfig memory config, uint256 amount)
        internal
        view
        returns (Voucher memory)
    {
        uint256 escrow = channels.channel(channels.channelId(config)).deposit;
        uint128 cumulative = uint128(bound(amount, 0, escrow + 1));
        bytes32 digest = of_.voucherDigest(of_.channelId(config), cumulative);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SIGNER_KEY, digest);
        return Voucher(config, cumulative, abi.encodePacked(r, s, v));
    }
}
