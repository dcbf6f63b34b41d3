// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TestUSD} from "../src/TestUSD.sol";
import {Test} from "./support/Test.sol";
import {vm} from "./support/Vm.sol";

contract TestUSDTest is Test {
    TestUSD internal token = new TestUSD();

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

    function test_permit_approvesBySignature() public {
        address owner = vm.addr(0xA11CE);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                owner,
                address(this),
                5,
                0,
                block.timestamp
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0xA11CE, digest);
        token.permit(owner, address(this), 5, block.timestamp, v, r, s);
        assertEq(token.allowance(owner, address(this)), 5, "allowance");
    }
}
