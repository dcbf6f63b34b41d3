// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Channels} from "../src/Channels.sol";
import {TestUSD} from "../src/TestUSD.sol";
import {Authorization, TransferMismatch} from "../src/types/TokenIn.sol";
import {ChannelsFixture} from "./support/ChannelsFixture.sol";
import {ContractWallet, FalseToken, FeeToken, SilentToken, StoppedToken} from "./support/OddTokens.sol";
import {TokenSignatures} from "./support/TokenSignatures.sol";
import {vm} from "./support/Vm.sol";

/// @notice Money that comes in by signature, and tokens that are not like others.
contract ChannelsDepositsTest is ChannelsFixture, TokenSignatures {
    uint256 internal constant KEY = 0xBA7E5;
    bytes32 internal constant SALT = "salt";
    address internal owner = vm.addr(KEY);

    function setUp() public override {
        super.setUp();
        token.mint(owner, 1_000);
    }

    function authorization(uint256 amount, bytes32 salt) internal view returns (Authorization memory) {
        return _authorization(token, channels, amount, salt);
    }

    function _authorization(TestUSD token_, Channels channels_, uint256 amount, bytes32 salt)
        internal
        view
        returns (Authorization memory)
    {
        Transfer memory move = Transfer(
            owner, address(channels_), amount, 0, block.timestamp + 1, channels_.depositNonce(owner, amount, salt)
        );
        return Authorization(0, block.timestamp + 1, salt, receiveSignature(token_, KEY, move));
    }

    /* BY AUTHORIZATION */

    function test_depositNonce_saysWhatTheMoneyIsFor() public view {
        bytes32 expected = keccak256(abi.encode(owner, uint256(10), SALT));
        assertEq(channels.depositNonce(owner, 10, SALT), expected, "nonce");
    }

    function test_depositWithAuthorization_needsNothingOfThePayerButItsSignature() public {
        vm.expectEmit();
        emit Channels.Deposited(owner, owner, 10);
        vm.prank(stranger);
        channels.depositWithAuthorization(owner, 10, authorization(10, SALT));
        assertEq(channels.balanceOf(owner), 10, "free");
        assertEq(token.balanceOf(owner), 990, "wallet");
        assertEq(token.balanceOf(address(channels)), 500 * DOLLAR + 10, "held");
    }

    function test_depositWithAuthorization_worksOnceHowEverItIsSigned() public {
        Authorization memory by = authorization(10, SALT);
        channels.depositWithAuthorization(owner, 10, by);
        bytes32 nonce = channels.depositNonce(owner, 10, SALT);
        bytes memory used = abi.encodeWithSelector(TestUSD.AuthorizationUsedOrCanceled.selector, owner, nonce);
        vm.expectRevert(used);
        channels.depositWithAuthorization(owner, 10, by);
        by.signature = twin(by.signature);
        vm.expectRevert(used);
        channels.depositWithAuthorization(owner, 10, by);
        by.signature = compact(authorization(10, SALT).signature);
        vm.expectRevert(used);
        channels.depositWithAuthorization(owner, 10, by);
        // In 64 bytes it is as good as in 65, for another salt.
        by = authorization(10, "next");
        by.signature = compact(by.signature);
        channels.depositWithAuthorization(owner, 10, by);
        assertEq(channels.balanceOf(owner), 20, "twice, by two authorizations");
    }

    function test_depositWithAuthorization_bindsPayerAmountSaltContractAndChain() public {
        Authorization memory by = authorization(10, SALT);
        bytes memory invalid = abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, owner);
        vm.expectRevert(invalid);
        channels.depositWithAuthorization(owner, 11, by);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, stranger));
        channels.depositWithAuthorization(stranger, 10, by);
        by.salt = "other";
        vm.expectRevert(invalid);
        channels.depositWithAuthorization(owner, 10, by);
        by.salt = SALT;
        Channels twinChannels = new Channels(address(token), MIN_DELAY);
        vm.expectRevert(invalid);
        twinChannels.depositWithAuthorization(owner, 10, by);
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        vm.expectRevert(invalid);
        channels.depositWithAuthorization(owner, 10, by);
        vm.chainId(here);
        // Nobody can use it up without the deposit: it works for the contract alone.
        bytes32 nonce = channels.depositNonce(owner, 10, SALT);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.CallerNotPayee.selector, stranger, address(channels)));
        token.receiveWithAuthorization(owner, address(channels), 10, 0, by.validBefore, nonce, by.signature);
        channels.depositWithAuthorization(owner, 10, by);
        assertEq(channels.balanceOf(owner), 10, "after all");
    }

    function test_depositWithAuthorization_refusesNothingAndNobody() public {
        Authorization memory by = authorization(0, SALT);
        vm.expectRevert(Channels.ZeroAmount.selector);
        channels.depositWithAuthorization(owner, 0, by);
        vm.expectRevert(Channels.ZeroAddress.selector);
        channels.depositWithAuthorization(address(0), 1, by);
        by.signature = "";
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, owner));
        channels.depositWithAuthorization(owner, 1, by);
        by = authorization(1_001, SALT);
        vm.expectRevert();
        channels.depositWithAuthorization(owner, 1_001, by);
        assertEq(channels.balanceOf(owner), 0, "nothing was credited");
    }

    function test_depositWithAuthorization_canBeAContractWallets() public {
        ContractWallet wallet = new ContractWallet();
        token.mint(address(wallet), 5);
        Transfer memory move = Transfer(
            address(wallet),
            address(channels),
            5,
            0,
            block.timestamp + 1,
            channels.depositNonce(address(wallet), 5, SALT)
        );
        wallet.sign(transferDigest(token, token.RECEIVE_WITH_AUTHORIZATION_TYPEHASH(), move));
        channels.depositWithAuthorization(
            address(wallet), 5, Authorization(0, block.timestamp + 1, SALT, "whatever the wallet takes")
        );
        assertEq(channels.balanceOf(address(wallet)), 5, "free");
    }

    function test_depositWithAuthorization_refusesATokenThatMovesNothing() public {
        SilentToken silent = new SilentToken();
        Channels withLies = new Channels(address(silent), MIN_DELAY);
        Authorization memory by = authorization(5, SALT);
        // A token without EIP-3009 is refused by its missing function.
        vm.expectRevert();
        withLies.depositWithAuthorization(owner, 5, by);
        vm.etch(address(silent), hex"60205f5260205ff3");
        // One that answers everything and does nothing: its balance never grows.
        vm.expectRevert(abi.encodeWithSelector(TransferMismatch.selector, 5, 0));
        withLies.depositWithAuthorization(owner, 5, by);
    }

    function testFuzz_authorization_isWorthOnlyWhatWasSigned(uint256 key, uint96 amount, bytes calldata noise) public {
        key = bound(key, 1, 2 ** 255);
        vm.assume(key != KEY);
        uint256 value = bound(amount, 1, 1_000);
        Authorization memory by = authorization(value, SALT);
        bytes32 digest = transferDigest(
            token,
            token.RECEIVE_WITH_AUTHORIZATION_TYPEHASH(),
            Transfer(owner, address(channels), value, 0, by.validBefore, channels.depositNonce(owner, value, SALT))
        );
        bytes memory good = by.signature;
        by.signature = signWith(key, digest);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, owner));
        channels.depositWithAuthorization(owner, value, by);
        by.signature = noise;
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, owner));
        channels.depositWithAuthorization(owner, value, by);
        by.signature = good;
        channels.depositWithAuthorization(owner, value, by);
        assertEq(channels.balanceOf(owner), value, "credited");
    }

    /* BY PERMIT */

    function test_depositWithPermit_approvesAndPaysInOneCall() public {
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(KEY, permitDigest(token, owner, address(channels), 10, block.timestamp));
        vm.prank(owner);
        channels.depositWithPermit(10, block.timestamp, v, r, s);
        assertEq(channels.balanceOf(owner), 10, "free");
        assertEq(token.allowance(owner, address(channels)), 0, "nothing stays approved");
    }

    function test_depositWithPermit_survivesThatSomebodySentThePermitFirst() public {
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(KEY, permitDigest(token, owner, address(channels), 10, block.timestamp));
        vm.prank(stranger);
        token.permit(owner, address(channels), 10, block.timestamp, v, r, s);
        vm.prank(owner);
        channels.depositWithPermit(10, block.timestamp, v, r, s);
        assertEq(channels.balanceOf(owner), 10, "free");
    }

    function test_depositWithPermit_isForTheCallersOwnTokens() public {
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(KEY, permitDigest(token, owner, address(channels), 10, block.timestamp));
        address poor = address(0xBAD);
        vm.prank(poor);
        vm.expectRevert();
        channels.depositWithPermit(10, block.timestamp, v, r, s);
        vm.prank(owner);
        vm.expectRevert(Channels.ZeroAmount.selector);
        channels.depositWithPermit(0, block.timestamp, v, r, s);
        vm.prank(owner);
        vm.expectRevert();
        channels.depositWithPermit(11, block.timestamp, v, r, s);
        assertEq(channels.balanceOf(owner), 0, "nothing was credited");
    }

    /* ODD TOKENS */

    function test_oddTokens_areRefusedOrRight() public {
        FalseToken says = new FalseToken();
        Channels withFalse = new Channels(address(says), MIN_DELAY);
        says.mint(address(this), 5);
        says.approve(address(withFalse), 5);
        vm.expectRevert();
        withFalse.deposit(payer, 5);

        SilentToken silent = new SilentToken();
        Channels withSilent = new Channels(address(silent), MIN_DELAY);
        silent.mint(address(this), 5e18);
        silent.approve(address(withSilent), 5e18);
        withSilent.deposit(address(this), 5e18);
        withSilent.withdraw(2e18, stranger);
        assertEq(silent.balanceOf(stranger), 2e18, "units are units, whatever they are worth");
        // The sender has to have approved: a permit that a token does not know is no approval.
        vm.expectRevert();
        withSilent.depositWithPermit(1, block.timestamp, 27, "", "");

        FeeToken fee = new FeeToken();
        Channels withFee = new Channels(address(fee), MIN_DELAY);
        fee.mint(owner, 1_000);
        Authorization memory by = _authorization(fee, withFee, 500, SALT);
        // It takes its fee of `transferFrom` alone; by signature everything arrives.
        withFee.depositWithAuthorization(owner, 500, by);
        assertEq(withFee.balanceOf(owner), 500, "free");
    }

    function test_stoppedToken_keepsMoneyButLosesNone() public {
        StoppedToken stopped = new StoppedToken();
        Channels withStops = new Channels(address(stopped), MIN_DELAY);
        stopped.mint(address(this), 5);
        stopped.approve(address(withStops), 5);
        withStops.deposit(address(this), 5);
        stopped.stop(true);
        vm.expectRevert();
        withStops.withdraw(5, stranger);
        assertEq(withStops.balanceOf(address(this)), 5, "still owed");
        stopped.stop(false);
        withStops.withdraw(5, stranger);
        assertEq(stopped.balanceOf(stranger), 5, "paid");
    }
}
