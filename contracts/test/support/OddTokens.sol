// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TestUSD} from "../../src/TestUSD.sol";

/// @notice Keeps one percent of every transfer, as some tokens can be told to.
contract FeeToken is TestUSD {
    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        _burn(to, amount / 100);
        return true;
    }
}

/// @notice Says that a transfer went well and moves nothing.
contract LyingToken is TestUSD {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return true;
    }
}
