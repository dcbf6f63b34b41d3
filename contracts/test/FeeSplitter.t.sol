// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FeeSplitter} from "../src/FeeSplitter.sol";
import {TestUSD} from "../src/TestUSD.sol";
import {FeeToken, SilentToken, StoppedToken} from "./support/OddTokens.sol";
import {Test} from "./support/Test.sol";
import {vm} from "./support/Vm.sol";

contract FeeSplitterTest is Test {
    uint256 internal constant PAYEES = 5;
    TestUSD internal token = new TestUSD();
    FeeSplitter internal splitter;

    function setUp() public {
        (address[] memory accounts, uint256[] memory shares) = _usual();
        splitter = new FeeSplitter(accounts, shares);
    }

    function payee(uint256 index) internal pure returns (address) {
        return address(uint160(0xFEE0 + index));
    }

    function _usual() internal pure returns (address[] memory accounts, uint256[] memory shares) {
        accounts = new address[](PAYEES);
        shares = new uint256[](PAYEES);
        for (uint256 i; i < PAYEES; ++i) {
            accounts[i] = payee(i);
        }
        (shares[0], shares[1], shares[2], shares[3], shares[4]) = (4_000, 2_500, 2_000, 1_000, 500);
    }

    function test_constructor_wantsWholeSharesOfSomebody() public {
        (address[] memory accounts, uint256[] memory shares) = _usual();
        shares[4] = 501;
        vm.expectRevert(abi.encodeWithSelector(FeeSplitter.SharesNotWhole.selector, 10_001));
        new FeeSplitter(accounts, shares);
        shares[4] = 0;
        vm.expectRevert(abi.encodeWithSelector(FeeSplitter.ZeroShare.selector, payee(4)));
        new FeeSplitter(accounts, shares);
        shares[4] = 500;
        accounts[2] = address(0);
        vm.expectRevert(FeeSplitter.ZeroAddress.selector);
        new FeeSplitter(accounts, shares);
        vm.expectRevert(abi.encodeWithSelector(FeeSplitter.LengthsDiffer.selector, 5, 4));
        new FeeSplitter(accounts, new uint256[](4));
        vm.expectRevert(abi.encodeWithSelector(FeeSplitter.SharesNotWhole.selector, 0));
        new FeeSplitter(new address[](0), new uint256[](0));
    }

    function test_oneAccountMayHaveSeveralShares() public {
        (address[] memory accounts, uint256[] memory shares) = _usual();
        accounts[3] = payee(0);
        splitter = new FeeSplitter(accounts, shares);
        assertEq(splitter.sharesOf(payee(0)), 5_000, "together");
        assertEq(splitter.payees().length, 4, "payees");
        token.mint(address(splitter), 100);
        assertEq(splitter.release(IERC20(address(token)), payee(0)), 50, "half");
    }

    function test_release_paysEachItsShareOnceAndNobodyElse() public {
        IERC20 usd = IERC20(address(token));
        token.mint(address(splitter), 1_000_000);
        vm.expectEmit();
        emit FeeSplitter.Released(address(token), payee(0), 400_000);
        splitter.release(usd, payee(0));
        assertEq(token.balanceOf(payee(0)), 400_000, "paid");
        vm.expectRevert(abi.encodeWithSelector(FeeSplitter.NothingToRelease.selector, address(token), payee(0)));
        splitter.release(usd, payee(0));
        vm.expectRevert(abi.encodeWithSelector(FeeSplitter.NotPayee.selector, address(this)));
        splitter.release(usd, address(this));
        token.mint(address(splitter), 1);
        vm.expectRevert(abi.encodeWithSelector(FeeSplitter.NothingToRelease.selector, address(token), payee(0)));
        splitter.release(usd, payee(0));
        for (uint256 i = 1; i < PAYEES; ++i) {
            splitter.release(usd, payee(i));
        }
        assertEq(token.balanceOf(address(splitter)), 1, "one unit waits for the next fee");
    }

    function test_release_ofOddTokensHoldsUpNoOther() public {
        SilentToken silent = new SilentToken();
        silent.mint(address(splitter), 10_000);
        splitter.release(IERC20(address(silent)), payee(4));
        assertEq(silent.balanceOf(payee(4)), 500, "a token that returns nothing");
        StoppedToken stopped = new StoppedToken();
        stopped.mint(address(splitter), 10_000);
        stopped.stop(true);
        vm.expectRevert();
        splitter.release(IERC20(address(stopped)), payee(0));
        token.mint(address(splitter), 10_000);
        splitter.release(IERC20(address(token)), payee(0));
        stopped.stop(false);
        splitter.release(IERC20(address(stopped)), payee(0));
        assertEq(stopped.balanceOf(payee(0)), 4_000, "once it moves again");
    }

    /// @dev Whenever and in whatever order shares are taken, each payee ends with the same, and at most one unit each
    /// is left.
    /// forge-config: default.fuzz.runs = 10000
    function testFuzz_sharesDependOnNothingButWhatCame(uint64[6] memory fees, uint256 seed) public {
        IERC20 usd = IERC20(address(token));
        uint256 received;
        for (uint256 i; i < fees.length; ++i) {
            uint256 fee = bound(fees[i], 0, 1e12);
            received += fee;
            token.mint(address(splitter), fee);
            seed = uint256(keccak256(abi.encode(seed)));
            address who = payee(seed % PAYEES);
            if (splitter.releasable(usd, who) != 0) splitter.release(usd, who);
        }
        uint256 paid;
        for (uint256 i; i < PAYEES; ++i) {
            if (splitter.releasable(usd, payee(i)) != 0) splitter.release(usd, payee(i));
            assertEq(token.balanceOf(payee(i)), received * splitter.sharesOf(payee(i)) / 10_000, "share of everything");
            paid += token.balanceOf(payee(i));
        }
        assertEq(paid + token.balanceOf(address(splitter)), received, "conserved");
        assertTrue(received - paid < PAYEES, "dust");
    }
}
