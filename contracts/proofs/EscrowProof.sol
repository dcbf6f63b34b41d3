// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice One channel and its payer's and receiver's balances, with the checks and the arithmetic of `Channels`. Each
/// function is one step: whatever books satisfy the invariant before it satisfy it afterwards, for all amounts. As the
/// books of a channel that was never opened satisfy it too, so do all that can be reached.
contract EscrowProof {
    struct Books {
        uint256 deposit;
        uint256 settled;
        uint256 status;
        uint256 free;
        uint256 earned;
        /// What the contract holds.
        uint256 held;
    }

    function initially() external pure {
        assert(_sound(Books(0, 0, 0, 0, 0, 0)));
    }

    function deposit(Books memory a, uint256 amount) external pure {
        require(_sound(a) && amount < 2 ** 128);
        _holds(a, Books(a.deposit, a.settled, a.status, a.free + amount, a.earned, a.held + amount));
    }

    function withdraw(Books memory a, uint256 amount) external pure {
        require(_sound(a) && amount <= a.free);
        _holds(a, Books(a.deposit, a.settled, a.status, a.free - amount, a.earned, a.held - amount));
    }

    function openFromBalance(Books memory a, uint256 amount) external pure {
        require(_sound(a) && a.status == 0 && amount != 0 && amount < 2 ** 96 && amount <= a.free);
        _holds(a, Books(amount, 0, 1, a.free - amount, a.earned, a.held));
    }

    function topUp(Books memory a, uint256 amount) external pure {
        require(_sound(a) && a.status == 1 && amount < 2 ** 96 && a.deposit + amount < 2 ** 96);
        _holds(a, Books(a.deposit + amount, a.settled, 1, a.free, a.earned, a.held + amount));
    }

    function claim(Books memory a, uint128 amount) external pure {
        require(_sound(a) && a.status == 1 && amount > a.settled && amount <= a.deposit);
        _holds(a, Books(a.deposit, amount, 1, a.free, a.earned + (amount - a.settled), a.held));
    }

    function claimAndClose(Books memory a, uint128 amount) external pure {
        require(_sound(a) && a.status == 1 && amount >= a.settled && amount <= a.deposit);
        _holds(a, Books(amount, amount, 2, a.free + (a.deposit - amount), a.earned + (amount - a.settled), a.held));
    }

    function refund(Books memory a, uint256 amount) external pure {
        require(_sound(a) && a.status == 1 && amount <= a.deposit - a.settled);
        _holds(a, Books(a.deposit - amount, a.settled, 1, a.free + amount, a.earned, a.held));
    }

    function finalizeWithdraw(Books memory a) external pure {
        require(_sound(a) && a.status == 1);
        _holds(a, Books(a.settled, a.settled, 2, a.free + (a.deposit - a.settled), a.earned, a.held));
    }

    function withdrawEarned(Books memory a) external pure {
        require(_sound(a));
        _holds(a, Books(a.deposit, a.settled, a.status, a.free, 0, a.held - a.earned));
    }

    /// @dev Held is owed to the unit, nothing is settled above its deposit, and a closed channel holds nothing.
    function _sound(Books memory a) internal pure returns (bool) {
        return a.settled <= a.deposit && a.deposit < 2 ** 96 && a.free < 2 ** 200 && a.earned < 2 ** 200
            && a.held == a.free + a.earned + (a.deposit - a.settled) && (a.status != 2 || a.deposit == a.settled)
            && (a.status != 0 || a.deposit == 0);
    }

    function _holds(Books memory a, Books memory b) internal pure {
        assert(b.settled <= b.deposit);
        assert(b.deposit < 2 ** 96);
        assert(b.settled >= a.settled);
        assert(b.status != 0 || b.deposit == 0);
        assert(a.status != 2 || b.status == 2);
        assert(b.status != 2 || b.deposit == b.settled);
        assert(b.held == b.free + b.earned + (b.deposit - b.settled));
    }
}
