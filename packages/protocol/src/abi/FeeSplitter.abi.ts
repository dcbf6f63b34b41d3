// Written by `npm run contracts -- build`; edit the Solidity instead.
export const feeSplitterAbi = [
  {"type":"constructor","inputs":[{"name":"accounts","type":"address[]","internalType":"address[]"},{"name":"shares","type":"uint256[]","internalType":"uint256[]"}],"stateMutability":"nonpayable"},
  {"type":"function","name":"BPS","inputs":[],"outputs":[{"name":"","type":"uint256","internalType":"uint256"}],"stateMutability":"view"},
  {"type":"function","name":"payees","inputs":[],"outputs":[{"name":"","type":"address[]","internalType":"address[]"}],"stateMutability":"view"},
  {"type":"function","name":"releasable","inputs":[{"name":"token","type":"address","internalType":"contract IERC20"},{"name":"payee","type":"address","internalType":"address"}],"outputs":[{"name":"","type":"uint256","internalType":"uint256"}],"stateMutability":"view"},
  {"type":"function","name":"release","inputs":[{"name":"token","type":"address","internalType":"contract IERC20"},{"name":"payee","type":"address","internalType":"address"}],"outputs":[{"name":"amount","type":"uint256","internalType":"uint256"}],"stateMutability":"nonpayable"},
  {"type":"function","name":"released","inputs":[{"name":"token","type":"address","internalType":"contract IERC20"},{"name":"payee","type":"address","internalType":"address"}],"outputs":[{"name":"","type":"uint256","internalType":"uint256"}],"stateMutability":"view"},
  {"type":"function","name":"sharesOf","inputs":[{"name":"payee","type":"address","internalType":"address"}],"outputs":[{"name":"","type":"uint256","internalType":"uint256"}],"stateMutability":"view"},
  {"type":"function","name":"totalReleased","inputs":[{"name":"token","type":"address","internalType":"contract IERC20"}],"outputs":[{"name":"","type":"uint256","internalType":"uint256"}],"stateMutability":"view"},
  {"type":"event","name":"Released","inputs":[{"name":"token","type":"address","indexed":true,"internalType":"address"},{"name":"payee","type":"address","indexed":true,"internalType":"address"},{"name":"amount","type":"uint256","indexed":false,"internalType":"uint256"}],"anonymous":false},
  {"type":"error","name":"LengthsDiffer","inputs":[{"name":"payees","type":"uint256","internalType":"uint256"},{"name":"shares","type":"uint256","internalType":"uint256"}]},
  {"type":"error","name":"NotPayee","inputs":[{"name":"account","type":"address","internalType":"address"}]},
  {"type":"error","name":"NothingToRelease","inputs":[{"name":"token","type":"address","internalType":"address"},{"name":"payee","type":"address","internalType":"address"}]},
  {"type":"error","name":"SafeERC20FailedOperation","inputs":[{"name":"token","type":"address","internalType":"address"}]},
  {"type":"error","name":"SharesNotWhole","inputs":[{"name":"bps","type":"uint256","internalType":"uint256"}]},
  {"type":"error","name":"ZeroAddress","inputs":[]},
  {"type":"error","name":"ZeroShare","inputs":[{"name":"payee","type":"address","internalType":"address"}]},
] as const;
