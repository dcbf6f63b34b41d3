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

/// @notice Answers `false` instead of refusing, as old tokens do.
contract FalseToken is TestUSD {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }

    function transfer(address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @notice Refuses every transfer, as a token does that its issuer has stopped.
contract StoppedToken is TestUSD {
    bool public stopped;

    error Stopped();

    function stop(bool stopped_) external {
        stopped = stopped_;
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (stopped) revert Stopped();
        return super.transferFrom(from, to, amount);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (stopped) revert Stopped();
        return super.transfer(to, amount);
    }
}

/// @notice Eighteen decimals, and transfers that return nothing, as the oldest large stable coin has them.
contract SilentToken {
    mapping(address owner => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    function decimals() external pure returns (uint8) {
        return 18;
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice A wallet without a key: it signs by saying yes to one digest (ERC-1271).
contract ContractWallet {
    bytes32 public signed;

    function sign(bytes32 digest) external {
        signed = digest;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == signed ? this.isValidSignature.selector : bytes4(0xffffffff);
    }

    function onERC1155Received(address, address, uint256, uint256, bytes calldata) external pure returns (bytes4) {
        return this.onERC1155Received.selector;
    }
}
