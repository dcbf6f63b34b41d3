// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TestUSD} from "../src/TestUSD.sol";
import {ContractWallet} from "./support/OddTokens.sol";
import {TokenSignatures} from "./support/TokenSignatures.sol";
import {vm} from "./support/Vm.sol";

contract TestUSDTest is TokenSignatures {
    uint256 internal constant KEY = 0xA11CE;

    TestUSD internal token = new TestUSD();
    address internal owner = vm.addr(KEY);

    function setUp() public {
        vm.warp(1_800_000_000);
        token.mint(owner, 100);
    }

    /// @dev Of three units to this contract, with nonce 7, valid for an hour.
    function move() internal view returns (Transfer memory) {
        return Transfer(owner, address(this), 3, block.timestamp - 1, block.timestamp + 1 hours, bytes32(uint256(7)));
    }

    function transferBy(Transfer memory of_, bytes memory signature) internal {
        token.transferWithAuthorization(
            of_.from, of_.to, of_.value, of_.validAfter, of_.validBefore, of_.nonce, signature
        );
    }

    function receiveBy(Transfer memory of_, bytes memory signature) internal {
        token.receiveWithAuthorization(
            of_.from, of_.to, of_.value, of_.validAfter, of_.validBefore, of_.nonce, signature
        );
    }

    function test_saysThatItHasNoValue() public view {
        assertEq(keccak256(bytes(token.name())), keccak256("Depinfer Test USD (no value)"), "name");
        assertEq(keccak256(bytes(token.symbol())), keccak256("tUSD"), "symbol");
        assertEq(token.decimals(), 6, "decimals");
    }

    function test_mint_isOpenToAllUpToTheCapPerCall() public {
        uint256 cap = token.MINT_CAP();
        token.mint(address(7), cap);
        token.mint(address(7), 1);
        assertEq(token.balanceOf(address(7)), cap + 1, "balance");
        vm.expectRevert(abi.encodeWithSelector(TestUSD.MintAboveCap.selector, cap + 1, cap));
        token.mint(address(7), cap + 1);
    }

    function test_typeHashes_areThoseOfEip3009() public view {
        assertEq(
            token.TRANSFER_WITH_AUTHORIZATION_TYPEHASH(),
            0x7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267,
            "transfer"
        );
        assertEq(
            token.RECEIVE_WITH_AUTHORIZATION_TYPEHASH(),
            0xd099cc98ef71107a616c4f0f941f04c322d8e254fe26b3c6668db87aae413de8,
            "receive"
        );
        assertEq(
            token.CANCEL_AUTHORIZATION_TYPEHASH(),
            0x158b0a9edf7a828aad02f63cd515c68ef2f50ba807396f6d12842833a1597429,
            "cancel"
        );
    }

    function test_domain_canBeRead() public view {
        (bytes1 fields, string memory name, string memory version, uint256 chainId, address at_,,) =
            token.eip712Domain();
        assertEq(bytes32(fields), bytes32(hex"0f"), "fields");
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chainId,
                at_
            )
        );
        assertEq(domain, token.DOMAIN_SEPARATOR(), "separator");
        assertEq(keccak256(bytes(token.version())), keccak256(bytes(version)), "version");
    }

    function test_permit_approvesBySignature() public {
        bytes32 digest = permitDigest(token, owner, address(this), 5, block.timestamp);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        token.permit(owner, address(this), 5, block.timestamp, v, r, s);
        assertEq(token.allowance(owner, address(this)), 5, "allowance");
    }

    function test_transferWithAuthorization_movesOnceInEitherForm() public {
        Transfer memory once = move();
        bytes32 typeHash = token.TRANSFER_WITH_AUTHORIZATION_TYPEHASH();
        bytes memory signature = signWith(KEY, transferDigest(token, typeHash, once));
        vm.expectEmit();
        emit TestUSD.AuthorizationUsed(owner, once.nonce);
        transferBy(once, signature);
        assertEq(token.balanceOf(address(this)), 3, "moved");
        assertTrue(token.authorizationState(owner, once.nonce), "used");
        vm.expectRevert(abi.encodeWithSelector(TestUSD.AuthorizationUsedOrCanceled.selector, owner, once.nonce));
        transferBy(once, signature);
        // Nor with the twin of the signature: nonces are used up, not signatures.
        vm.expectRevert(abi.encodeWithSelector(TestUSD.AuthorizationUsedOrCanceled.selector, owner, once.nonce));
        transferBy(once, twin(signature));

        once.nonce = bytes32(uint256(8));
        (bytes32 r, bytes32 s, uint8 v) = split(signWith(KEY, transferDigest(token, typeHash, once)));
        token.transferWithAuthorization(
            once.from, once.to, once.value, once.validAfter, once.validBefore, once.nonce, v, r, s
        );
        once.nonce = bytes32(uint256(9));
        transferBy(once, compact(signWith(KEY, transferDigest(token, typeHash, once))));
        assertEq(token.balanceOf(address(this)), 9, "three times");
    }

    function test_receiveWithAuthorization_isForThePayeeAlone() public {
        Transfer memory once = move();
        bytes memory signature = receiveSignature(token, KEY, once);
        vm.prank(address(0xE11));
        vm.expectRevert(abi.encodeWithSelector(TestUSD.CallerNotPayee.selector, address(0xE11), address(this)));
        receiveBy(once, signature);
        (bytes32 r, bytes32 s, uint8 v) = split(signature);
        vm.prank(address(0xE11));
        vm.expectRevert(abi.encodeWithSelector(TestUSD.CallerNotPayee.selector, address(0xE11), address(this)));
        token.receiveWithAuthorization(
            once.from, once.to, once.value, once.validAfter, once.validBefore, once.nonce, v, r, s
        );
        // Signed to be received, it cannot be transferred by a stranger.
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, owner));
        transferBy(once, signature);
        token.receiveWithAuthorization(
            once.from, once.to, once.value, once.validAfter, once.validBefore, once.nonce, v, r, s
        );
        assertEq(token.balanceOf(address(this)), 3, "received");
    }

    function test_authorizations_areBoundToTimeAmountChainAndToken() public {
        Transfer memory once = move();
        bytes memory signature = receiveSignature(token, KEY, once);
        vm.warp(once.validAfter);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.AuthorizationNotYetValid.selector, once.validAfter));
        receiveBy(once, signature);
        vm.warp(once.validBefore);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.AuthorizationExpired.selector, once.validBefore));
        receiveBy(once, signature);
        vm.warp(once.validAfter + 1);

        once.value = 4;
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, owner));
        receiveBy(once, signature);
        once.value = 3;
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, owner));
        receiveBy(once, signature);
        vm.chainId(here);
        TestUSD other = new TestUSD();
        bytes memory foreign = receiveSignature(other, KEY, once);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, owner));
        receiveBy(once, foreign);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, owner));
        receiveBy(once, "");
        // Nobody signs for the zero address by a signature that recovers nothing.
        once.from = address(0);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, address(0)));
        receiveBy(once, new bytes(65));
    }

    function test_cancelAuthorization_isTheAuthorsAlone() public {
        Transfer memory once = move();
        bytes memory signature = receiveSignature(token, KEY, once);
        bytes32 digest = cancelDigest(token, owner, once.nonce);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, owner));
        token.cancelAuthorization(owner, once.nonce, signWith(0xB0B, digest));
        vm.expectEmit();
        emit TestUSD.AuthorizationCanceled(owner, once.nonce);
        token.cancelAuthorization(owner, once.nonce, signWith(KEY, digest));
        vm.expectRevert(abi.encodeWithSelector(TestUSD.AuthorizationUsedOrCanceled.selector, owner, once.nonce));
        receiveBy(once, signature);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.AuthorizationUsedOrCanceled.selector, owner, once.nonce));
        token.cancelAuthorization(owner, once.nonce, signWith(KEY, digest));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, cancelDigest(token, owner, "other"));
        token.cancelAuthorization(owner, "other", v, r, s);
        assertTrue(token.authorizationState(owner, "other"), "cancelled");
    }

    function test_authorizations_canBeAContractWallets() public {
        ContractWallet wallet = new ContractWallet();
        token.mint(address(wallet), 3);
        Transfer memory once = move();
        once.from = address(wallet);
        vm.expectRevert(abi.encodeWithSelector(TestUSD.InvalidAuthorization.selector, address(wallet)));
        receiveBy(once, "anything");
        wallet.sign(transferDigest(token, token.RECEIVE_WITH_AUTHORIZATION_TYPEHASH(), once));
        receiveBy(once, "anything");
        assertEq(token.balanceOf(address(this)), 3, "received");
    }
}
