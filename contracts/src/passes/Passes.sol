// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1155} from "solady/src/tokens/ERC1155.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {ChannelConfig, Channels} from "../Channels.sol";
import {Disputes} from "../disputes/Disputes.sol";
import {RefundInsurance} from "../RefundInsurance.sol";
import {StakeVault} from "../StakeVault.sol";
import {PassLedger} from "./PassLedger.sol";
import "../types/Dispute.sol";
import "../types/Pass.sol";
import {Authorization, TokenIn} from "../types/TokenIn.sol";

/// @title Passes
/// @notice Subscriptions that pay by the token all the same. A pass is a prepaid payer: its money goes into ordinary
/// channels of `Channels`, whose payer is this contract, and providers are paid by ordinary vouchers for what they
/// delivered.
///
/// ```
///   none --buy--> active --cancel, expire--> ending --reclaim each channel--> settle --> settled
///                  | ^
///                  renew, upgrade, fund, setOperator, transfer, reclaim
///
///   paid = fee + net          net = balance + in channels + what providers were paid
///   settle: refund  = net part min(net * time left / term, balance) and its share of the fee   -> holder
///           fee     = the rest of the fee                                                        -> FeeSplitter
///           surplus = the rest of the balance  -> providers of the tier, by tokens that they served
/// ```
///
/// A pass that is not used up is no profit of whoever made the tier: what time has earned goes to the providers that
/// served the tier's passes, by a root that the issuer posts and anybody can have dropped, or to the insurance of buyers.
/// What all parties together get out of a pass never exceeds what was paid for it less the fee, so that there is nothing
/// to farm: not by many passes, not by many requests, not by buying from oneself.
///
/// Nobody owns this contract, nothing in it can be paused or changed. Money leaves it to its owner by `withdraw`.
/// @dev Warning: the issuer of a tier says who shares a surplus; providers must look at the root within the objection
/// window. Warning: an operator can put a pass's money into channels with anybody; only the signer can spend it there.
contract Passes is ERC1155, PassLedger {
    using SafeTransferLib for address;
    using TokenIn for address;

    /* CONSTANTS AND IMMUTABLES */

    /// @notice Channels that one pass can have at a time, so that ending it fits into one transaction.
    uint256 public constant MAX_PASS_CHANNELS = 16;
    uint256 internal constant CHANNEL_OPEN = 1;
    uint256 internal constant CHANNEL_CLOSED = 2;

    Channels public immutable CHANNELS;
    Disputes public immutable DISPUTES;
    StakeVault public immutable STAKE_VAULT;
    uint40 public immutable WITHDRAW_DELAY;

    /* STORAGE */

    mapping(uint256 passId => PassChannel[]) internal channelsOfPass;
    mapping(uint256 passId => uint64) internal channelCount;
    /// @notice The pass that opened a channel; zero if none did.
    mapping(bytes32 channelId => uint256) public passOfChannel;
    /// @dev Every pass that an account ever received, in order; some it has no longer.
    mapping(address holder => uint256[]) internal receivedBy;
    /// @notice What of a dispute's refunds was passed on.
    mapping(bytes32 disputeId => uint256) public passedOn;

    /* EVENTS */

    event PassBought(
        uint256 indexed passId,
        uint256 indexed tierId,
        address indexed holder,
        address operator,
        address signer,
        uint40 end,
        uint256 paid
    );
    event PassRenewed(uint256 indexed passId, address indexed from, uint40 end, uint256 paid);
    event PassUpgraded(uint256 indexed passId, uint256 indexed tierId, uint40 end, uint256 credit, uint256 paid);
    event OperatorSet(uint256 indexed passId, address operator, address signer);
    event PassFunded(uint256 indexed passId, address indexed provider, bytes32 indexed channelId, uint256 amount);
    /// @param endedAt When its time stopped: its end, if it was over.
    event PassEnded(uint256 indexed passId, address indexed by, uint40 endedAt);
    event ChannelReclaimed(uint256 indexed passId, bytes32 indexed channelId, uint256 spent, uint256 returned);
    event PassSettled(uint256 indexed passId, address indexed holder, uint256 refund, uint256 fee, uint256 surplus);
    event RefundPassedOn(bytes32 indexed disputeId, uint256 indexed passId, address indexed to, uint256 amount);

    /* ERRORS */

    error NotHolder(uint256 passId, address caller);
    error NotOperator(uint256 passId, address caller);
    error PassNotActive(uint256 passId, uint40 end, uint40 endedAt);
    error PassNotOver(uint256 passId, uint40 end);
    error PassNotEnding(uint256 passId);
    error AlreadySettled(uint256 passId);
    error PriceAbove(uint256 price, uint256 max);
    error NotDearer(uint256 tierId, uint256 price, uint256 present);
    error CreditAbovePrice(uint256 credit, uint256 price);
    error NoSigner(uint256 passId);
    error ChannelsOpen(uint256 passId, uint256 channels);
    error TooManyChannels(uint256 passId, uint256 max);
    error AboveBalance(uint256 passId, uint256 amount, uint256 balance);
    error NoSuchChannel(uint256 passId, uint256 index);
    error NotOnePass(uint256 amount);
    error NothingToPassOn(bytes32 disputeId);

    /* CONSTRUCTOR */

    constructor(
        Channels channels,
        Disputes disputes,
        address feeSplitter,
        RefundInsurance insurance,
        PassTerms memory terms
    ) PassLedger(channels.TOKEN(), feeSplitter, insurance, terms) {
        if (address(disputes.TOKEN()) != TOKEN || address(insurance.TOKEN()) != TOKEN) {
            revert ZeroAddress();
        }
        CHANNELS = channels;
        DISPUTES = disputes;
        STAKE_VAULT = disputes.STAKE_VAULT();
        WITHDRAW_DELAY = channels.MIN_WITHDRAW_DELAY();
        TOKEN.safeApprove(address(channels), type(uint256).max);
    }

    /* BUYING */

    /// @notice Buys a pass for the caller with its approved tokens.
    /// @param operator May fund channels for the pass; usually a gateway's wallet. Zero means only the holder may.
    /// @param signer Signs its vouchers; zero until `setOperator`.
    function buy(uint256 tierId, address operator, address signer, uint256 maxPrice) external returns (uint256 passId) {
        uint256 price = _tier(tierId).price;
        if (price > maxPrice) revert PriceAbove(price, maxPrice);
        passId = _create(tierId, msg.sender, operator, signer);
        TOKEN.take(price);
        _mint(msg.sender, passId, 1, "");
    }

    /// @notice Buys a pass for `holder` with its tokens, by its signature alone; anyone may relay it. What is signed is an
    /// EIP-3009 `ReceiveWithAuthorization` of the tier's price to this contract with the nonce
    /// `buyNonce(tierId, operator, signer, by.salt)`.
    function buyWithAuthorization(
        uint256 tierId,
        address holder,
        address operator,
        address signer,
        Authorization calldata by
    ) external returns (uint256 passId) {
        uint256 price = _tier(tierId).price;
        passId = _create(tierId, holder, operator, signer);
        TOKEN.takeSigned(holder, price, buyNonce(tierId, operator, signer, by.salt), by);
        _mint(holder, passId, 1, "");
    }

    /// @notice Pays for one more period, which begins when the present one ends, or now if it has. What is unused stays.
    /// Anyone may pay.
    function renew(uint256 passId) external {
        Pass storage pass = _present(passId);
        Tier storage tier = _tier(pass.tier);
        // A gap between terms is nobody's time: it moves the beginning, so that the term stays the time paid for.
        if (block.timestamp > pass.end) {
            pass.start += uint40(block.timestamp) - pass.end;
            pass.end = uint40(block.timestamp);
        }
        pass.end += tier.period;
        _credit(pass, tier.price);
        emit PassRenewed(passId, msg.sender, pass.end, tier.price);
        TOKEN.take(tier.price);
    }

    /// @notice Changes to a dearer tier from now on. What a cancellation would refund counts towards the price; the caller
    /// pays the rest. Only the holder.
    function upgrade(uint256 passId, uint256 tierId, uint256 maxPayment) external {
        Pass storage pass = _active(passId);
        if (msg.sender != pass.holder) revert NotHolder(passId, msg.sender);
        Tier storage next = _tier(tierId);
        uint256 present = _tier(pass.tier).price;
        if (next.price <= present) revert NotDearer(tierId, next.price, present);
        Division memory division = _divide(pass, pass.end - uint40(block.timestamp));
        if (division.refund > next.price) revert CreditAbovePrice(division.refund, next.price);
        uint256 payment = next.price - division.refund;
        if (payment > maxPayment) revert PriceAbove(payment, maxPayment);
        _distribute(pass.tier, division);
        pass.tier = uint64(tierId);
        pass.start = uint40(block.timestamp);
        pass.end = uint40(block.timestamp) + next.period;
        (pass.net, pass.fee, pass.balance) = (0, 0, 0);
        _credit(pass, next.price);
        emit PassUpgraded(passId, tierId, pass.end, division.refund, payment);
        if (payment != 0) TOKEN.take(payment);
    }

    /// @notice Says who may fund channels and who signs. Only the holder; another signer only while there are no channels.
    function setOperator(uint256 passId, address operator, address signer) external {
        Pass storage pass = _present(passId);
        if (msg.sender != pass.holder) revert NotHolder(passId, msg.sender);
        uint256 open = channelsOfPass[passId].length;
        if (signer != pass.signer && open != 0) revert ChannelsOpen(passId, open);
        pass.operator = operator;
        pass.signer = signer;
        emit OperatorSet(passId, operator, signer);
    }

    /* USING */

    /// @notice Puts `amount` of the pass's balance into its channel with `provider`, opening one if it has none. Only the
    /// holder and the operator.
    function fund(uint256 passId, address provider, uint256 amount) external returns (bytes32 channelId) {
        Pass storage pass = _active(passId);
        if (msg.sender != pass.holder && msg.sender != pass.operator) revert NotOperator(passId, msg.sender);
        if (pass.signer == address(0)) revert NoSigner(passId);
        if (amount == 0) revert ZeroAmount();
        if (amount > pass.balance) revert AboveBalance(passId, amount, pass.balance);
        // Safe casts: not above `balance`, and of what a tier costs nothing exceeds 96 bits by much.
        pass.balance -= uint128(amount);
        pass.drawn += uint128(amount);

        PassChannel[] storage list = channelsOfPass[passId];
        for (uint256 i; i < list.length; ++i) {
            if (list[i].provider != provider) continue;
            ChannelConfig memory present = _config(passId, list[i]);
            channelId = CHANNELS.channelId(present);
            Channels.ChannelState memory state = CHANNELS.channel(channelId);
            // One on its way out cannot be used: it waits to be reclaimed, and another one is opened.
            if (state.status != CHANNEL_OPEN || state.withdrawAt != 0) continue;
            list[i].funded = _toUint96(list[i].funded + amount);
            emit PassFunded(passId, provider, channelId, amount);
            CHANNELS.topUp(present, amount);
            return channelId;
        }

        if (list.length == MAX_PASS_CHANNELS) revert TooManyChannels(passId, MAX_PASS_CHANNELS);
        list.push(PassChannel(provider, _toUint96(amount), pass.signer, channelCount[passId]++));
        ChannelConfig memory config = _config(passId, list[list.length - 1]);
        channelId = CHANNELS.channelId(config);
        passOfChannel[channelId] = passId;
        emit PassFunded(passId, provider, channelId, amount);
        CHANNELS.open(config, amount);
    }

    /// @notice Takes back what a channel of the pass did not spend, once its exit is due or somebody closed it. Anyone
    /// may. The last channel takes the place of the one that is removed.
    function reclaim(uint256 passId, uint256 index) external {
        Pass storage pass = passes[passId];
        PassChannel[] storage list = channelsOfPass[passId];
        if (index >= list.length) revert NoSuchChannel(passId, index);
        uint256 funded = list[index].funded;
        ChannelConfig memory config = _config(passId, list[index]);
        bytes32 channelId = CHANNELS.channelId(config);
        list[index] = list[list.length - 1];
        list.pop();
        if (CHANNELS.channel(channelId).status != CHANNEL_CLOSED) CHANNELS.finalizeWithdraw(config);
        uint256 spent = CHANNELS.channel(channelId).settled;
        // A stranger may have topped it up: what was spent of that is not the pass's, nor what came back of it.
        uint256 returned = funded > spent ? funded - spent : 0;
        // Safe casts: `funded` is part of `drawn`.
        pass.drawn -= uint128(funded);
        pass.balance += uint128(returned);
        emit ChannelReclaimed(passId, channelId, spent, returned);
        if (returned != 0) CHANNELS.withdraw(returned, address(this));
    }

    /* ENDING */

    /// @notice Ends the pass now: its time stops, nothing is funded any more, and all its channels begin to close. Only
    /// the holder. The refund follows by `reclaim` and `settle`, which anyone may call.
    function cancel(uint256 passId) external {
        Pass storage pass = _present(passId);
        if (msg.sender != pass.holder) revert NotHolder(passId, msg.sender);
        _end(passId, pass);
    }

    /// @notice The same for a pass whose time is over. Anyone may.
    function expire(uint256 passId) external {
        Pass storage pass = _present(passId);
        if (block.timestamp < pass.end) revert PassNotOver(passId, pass.end);
        _end(passId, pass);
    }

    /// @notice Divides what is left of an ended pass between its holder, the fee and the surplus of its tier. Anyone may,
    /// once all its channels are reclaimed.
    function settle(uint256 passId) external {
        Pass storage pass = passes[passId];
        if (pass.settled) revert AlreadySettled(passId);
        if (pass.endedAt == 0) revert PassNotEnding(passId);
        uint256 open = channelsOfPass[passId].length;
        if (open != 0) revert ChannelsOpen(passId, open);
        Division memory division = _divide(pass, pass.end - pass.endedAt);
        pass.settled = true;
        (pass.net, pass.fee, pass.balance) = (0, 0, 0);
        _distribute(pass.tier, division);
        _owe(pass.holder, division.refund);
        emit PassSettled(passId, pass.holder, division.refund, division.fee, division.surplus);
    }

    /// @notice Passes on what a dispute, or the insurance, paid to this contract as the payer of a convicted answer: to
    /// the holder of the pass that paid it. Anyone may. What belongs to no pass goes to the insurance.
    function passOnRefund(bytes32 disputeId) external {
        if (STAKE_VAULT.claimable(address(this)) != 0) unassigned += STAKE_VAULT.withdrawClaimable(address(this));
        if (INSURANCE.claimable(address(this)) != 0) unassigned += INSURANCE.withdraw(address(this));
        if (DISPUTES.disputeOf(disputeId).buyer != address(this)) revert NothingToPassOn(disputeId);
        Settlement memory settlement = DISPUTES.settlementOf(disputeId);
        uint256 due = settlement.refunded + INSURANCE.paidOn(disputeId) - passedOn[disputeId];
        if (due == 0) revert NothingToPassOn(disputeId);
        passedOn[disputeId] += due;
        unassigned -= due;
        uint256 passId = passOfChannel[settlement.channelId];
        address to = passId == 0 ? address(INSURANCE) : passes[passId].holder;
        _owe(to, due);
        emit RefundPassedOn(disputeId, passId, to, due);
    }

    /* VIEWS */

    function passOf(uint256 passId) external view returns (Pass memory) {
        return passes[passId];
    }

    /// @notice The channels of a pass that are not reclaimed, by the index that `reclaim` takes.
    function channelsOf(uint256 passId) external view returns (PassChannelView[] memory channels) {
        PassChannel[] storage list = channelsOfPass[passId];
        channels = new PassChannelView[](list.length);
        for (uint256 i; i < list.length; ++i) {
            channels[i] = PassChannelView(_config(passId, list[i]), list[i].funded);
        }
    }

    /// @notice What would be refunded if the pass were cancelled now and its channels were all spent. What comes back of
    /// them can add to it.
    function refundable(uint256 passId) external view returns (uint256) {
        Pass storage pass = passes[passId];
        if (pass.settled || pass.end == 0) return 0;
        uint256 now_ = block.timestamp < pass.end ? block.timestamp : pass.end;
        return _divide(pass, pass.end - (pass.endedAt != 0 ? pass.endedAt : now_)).refund;
    }

    /// @notice Passes that `account` holds, among the `count` that it received from number `from` on.
    /// @return held Their ids, each once.
    /// @return received How many it ever received.
    function passesOf(address account, uint256 from, uint256 count)
        external
        view
        returns (uint256[] memory held, uint256 received)
    {
        uint256[] storage list = receivedBy[account];
        received = list.length;
        uint256 end = from + count < received ? from + count : received;
        held = new uint256[](end > from ? end - from : 0);
        uint256 size;
        for (uint256 i = from; i < end; ++i) {
            // A pass that came back stands here twice, and counts where it stands last.
            if (passes[list[i]].holder == account && lastReceived[list[i]] == i) held[size++] = list[i];
        }
        assembly ("memory-safe") {
            mstore(held, size)
        }
    }

    /// @notice The EIP-3009 nonce of a purchase by signature.
    function buyNonce(uint256 tierId, address operator, address signer, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(tierId, operator, signer, salt));
    }

    /// @inheritdoc ERC1155
    /// @dev The metadata of a tier is in the event of its making.
    function uri(uint256) public pure override returns (string memory) {
        return "";
    }

    /* INTERNAL */

    function _create(uint256 tierId, address holder, address operator, address signer)
        internal
        returns (uint256 passId)
    {
        Tier storage tier = _tier(tierId);
        passId = ++passCount;
        Pass storage pass = passes[passId];
        pass.tier = uint64(tierId);
        pass.start = uint40(block.timestamp);
        pass.end = uint40(block.timestamp) + tier.period;
        pass.operator = operator;
        pass.signer = signer;
        _credit(pass, tier.price);
        _handTo(passId, pass, holder);
        emit PassBought(passId, tierId, holder, operator, signer, pass.end, tier.price);
    }

    function _handTo(uint256 passId, Pass storage pass, address holder) internal {
        pass.holder = holder;
        lastReceived[passId] = receivedBy[holder].length;
        receivedBy[holder].push(passId);
    }

    function _end(uint256 passId, Pass storage pass) internal {
        pass.endedAt = block.timestamp < pass.end ? uint40(block.timestamp) : pass.end;
        emit PassEnded(passId, msg.sender, pass.endedAt);
        PassChannel[] storage list = channelsOfPass[passId];
        for (uint256 i; i < list.length; ++i) {
            ChannelConfig memory config = _config(passId, list[i]);
            Channels.ChannelState memory state = CHANNELS.channel(CHANNELS.channelId(config));
            // The signer may have begun it, and the provider may have closed it.
            if (state.status == CHANNEL_OPEN && state.withdrawAt == 0) CHANNELS.initiateWithdraw(config);
        }
    }

    function _config(uint256 passId, PassChannel storage channel) internal view returns (ChannelConfig memory) {
        return ChannelConfig({
            payer: address(this),
            payerAuthorizer: channel.signer,
            receiver: channel.provider,
            receiverAuthorizer: channel.provider,
            token: TOKEN,
            withdrawDelay: WITHDRAW_DELAY,
            salt: keccak256(abi.encode(passId, channel.signer, channel.number))
        });
    }

    function _present(uint256 passId) internal view returns (Pass storage pass) {
        pass = passes[passId];
        if (pass.end == 0 || pass.endedAt != 0) revert PassNotActive(passId, pass.end, pass.endedAt);
    }

    function _active(uint256 passId) internal view returns (Pass storage pass) {
        pass = _present(passId);
        if (block.timestamp >= pass.end) revert PassNotActive(passId, pass.end, pass.endedAt);
    }

    function _toUint96(uint256 amount) internal pure returns (uint96) {
        if (amount > type(uint96).max) revert AmountTooWide(amount);
        return uint96(amount);
    }

    function _useBeforeTokenTransfer() internal pure override returns (bool) {
        return true;
    }

    /// @dev Only a pass that is active and has nothing in channels changes hands, and its new holder says who may use it.
    function _beforeTokenTransfer(
        address from,
        address to,
        uint256[] memory ids,
        uint256[] memory amounts,
        bytes memory
    ) internal override {
        if (from == address(0)) return;
        for (uint256 i; i < ids.length; ++i) {
            if (amounts[i] != 1) revert NotOnePass(amounts[i]);
            Pass storage pass = _active(ids[i]);
            if (pass.holder != from) revert NotHolder(ids[i], from);
            uint256 open = channelsOfPass[ids[i]].length;
            if (open != 0) revert ChannelsOpen(ids[i], open);
            pass.operator = address(0);
            pass.signer = address(0);
            _handTo(ids[i], pass, to);
            emit OperatorSet(ids[i], address(0), address(0));
        }
    }
}
