// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig} from "../Channels.sol";

/// @notice What a pass costs and gives. Never changes.
/// @param issuer Who made it, and says which providers share what its passes leave over.
/// @param price Units of the token for one period.
/// @param requestsPerMinute What a gateway has to let through; zero means that it decides.
/// @param period Seconds.
/// @param quota Tokens per period.
/// @param modelsHash Hash of the list of models that it is for; zero means all.
struct Tier {
    address issuer;
    uint96 price;
    uint32 requestsPerMinute;
    uint40 period;
    uint128 quota;
    bytes32 modelsHash;
}

/// @notice One pass. Amounts are units of the token.
/// @param operator May fund channels for it beside the holder.
/// @param signer Signs the vouchers of its channels.
/// @param start Unix second from which its time counts.
/// @param end Unix second at which it is over.
/// @param endedAt Zero, or when it was cancelled or declared over: nothing is funded from then on.
/// @param settled Refund and surplus were worked out; nothing is left.
/// @param net Everything paid for the present term, less `fee`.
/// @param fee Kept for the fee, or returned with what is refunded.
/// @param balance Part of `net` that is here.
/// @param drawn Part of `net` that was put into channels which are not reclaimed yet.
struct Pass {
    address holder;
    uint40 start;
    uint40 end;
    address operator;
    uint40 endedAt;
    bool settled;
    address signer;
    uint64 tier;
    uint128 net;
    uint128 fee;
    uint128 balance;
    uint128 drawn;
}

/// @notice A channel of a pass that was not reclaimed yet.
/// @param funded What the pass put in.
/// @param number Its number among the channels of the pass.
struct PassChannel {
    address provider;
    uint96 funded;
    address signer;
    uint64 number;
}

/// @notice The same as others need it.
struct PassChannelView {
    ChannelConfig config;
    uint256 funded;
}

/// @notice What passes of one tier that ended in one period left over.
/// @param root Of who gets how much; zero before it is posted, and after an objection.
/// @param postedAt Unix second of the root.
/// @param remaining What is not claimed yet.
/// @param closed No share is paid any more, and what was left went to the insurance.
struct Surplus {
    bytes32 root;
    uint128 remaining;
    uint40 postedAt;
    bool closed;
}

/// @notice What is fixed for ever when the passes contract is made. Times are seconds.
/// @param minPeriod Shortest period of a tier.
/// @param rootWindow From the end of a period to the last moment for its root.
/// @param objectionWindow From the root to the last objection; then shares are paid.
/// @param claimWindow From there to the last share.
/// @param objectionBond What an objection costs, in units of the token.
struct PassTerms {
    uint40 minPeriod;
    uint40 rootWindow;
    uint40 objectionWindow;
    uint40 claimWindow;
    uint128 objectionBond;
}
