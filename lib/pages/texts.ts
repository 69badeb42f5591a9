/** Every text of the pages, in every language. A text with a number or a name in it is a function. */
export interface Texts {
  readonly language: string;
  /** How dates and numbers are written: the day before the month, and 24 hours. */
  readonly dates: string;
  readonly accountMenu: string;
  readonly logout: string;
  readonly logInAgain: string;
  readonly goOn: string;
  readonly loggedOut: string;
  readonly haveBeenLoggedOut: string;
  readonly logInFirst: string;
  readonly logIn: string;
  readonly notAllowed: string;
  readonly adminsOnly: string;
  readonly whereLoggedIn: string;
  readonly devicesIntro: string;
  readonly thisDevice: string;
  readonly logOutDevice: string;
  readonly logOutDeviceNamed: (device: string) => string;
  readonly logOutEverywhereElse: (others: number) => string;
  readonly andMore: (count: number) => string;
  readonly devicesLoggedOut: (count: number) => string;
  readonly loggedOutByYourself: string;
  readonly identityNotConfirmed: string;
  readonly unknownDevice: string;
  readonly browserOn: (browser: string, system: string) => string;
  readonly requestForbidden: string;
  readonly noSuchPage: string;
  readonly tryAgainLater: string;
  readonly requestRefused: string;
  readonly unknownAddress: string;
  readonly since: string;
  readonly active: string;
  readonly now: string;
  readonly applications: string;
  readonly loginManagement: string;
  readonly usersOnline: (count: number) => string;
  readonly searchUsers: string;
  readonly search: string;
  readonly showAll: string;
  readonly nobodyFound: string;
  readonly tooManyFound: string;
  readonly nobodyOnline: (application: string) => string;
  readonly selected: (count: number) => string;
  readonly selectionFull: string;
  readonly clear: string;
  readonly selectUser: (name: string) => string;
  readonly user: string;
  readonly lastLogin: string;
  readonly lastActive: string;
  readonly logins: string;
  readonly loginsOf: (count: number, name: string) => string;
  readonly action: string;
  readonly forceOffline: string;
  readonly forceOfflineEllipsis: string;
  readonly forceEveryoneEllipsis: string;
  readonly forceUserQuestion: (name: string) => string;
  readonly forceUsersQuestion: (users: number) => string;
  readonly forceLoginQuestion: (name: string) => string;
  readonly forceEveryoneQuestion: (users: number, application: string) => string;
  readonly holdLogins: (logins: number) => string;
  readonly mustLogInAgain: string;
  readonly everyoneMustLogInAgain: string;
  readonly reason: string;
  readonly reasonHint: string;
  readonly typeApplicationId: (application: string) => string;
  readonly wrongApplicationId: string;
  readonly nobodySelected: string;
  readonly cancel: string;
  readonly forced: (users: number, logins: number) => string;
  readonly forcing: (done: number, total: number) => string;
  readonly brokeOff: string;
  readonly notRefreshed: string;
  readonly pages: string;
  readonly perPage: string;
  readonly show: string;
}

const enNumbers = new Intl.NumberFormat("en");
const zhNumbers = new Intl.NumberFormat("zh");
const plural = (count: number, one: string, many: string): string =>
  `${enNumbers.format(count)} ${count === 1 ? one : many}`;
const number = (count: number): string => zhNumbers.format(count);

const en: Texts = {
  language: "en",
  dates: "en-GB",
  accountMenu: "Account menu",
  logout: "Logout",
  logInAgain: "Log in again",
  goOn: "Go on",
  loggedOut: "You are logged out",
  haveBeenLoggedOut: "You have been logged out",
  logInFirst: "Please log in first",
  logIn: "Log in",
  notAllowed: "You may not see this page",
  adminsOnly: "It is for administrators of this application.",
  whereLoggedIn: "Where you’re logged in",
  devicesIntro: "These devices are logged in to your account. Log out any you don’t know.",
  thisDevice: "This device",
  logOutDevice: "Log out",
  logOutDeviceNamed: (device) => `Log out ${device}`,
  logOutEverywhereElse: (others) => `Log out everywhere else (${String(others)})`,
  andMore: (count) => `and ${enNumbers.format(count)} more`,
  devicesLoggedOut: (count) => `${plural(count, "device is", "devices are")} logged out.`,
  loggedOutByYourself: "You logged this device out from another one.",
  identityNotConfirmed: "Please confirm first that it is you.",
  unknownDevice: "Unknown device",
  browserOn: (browser, system) => `${browser} on ${system}`,
  requestForbidden: "This request was refused",
  noSuchPage: "There is no such page",
  tryAgainLater: "Please try again in a moment",
  requestRefused: "That did not work",
  unknownAddress: "unknown address",
  since: "since",
  active: "active",
  now: "now",
  applications: "Applications",
  loginManagement: "Login management",
  usersOnline: (count) => `${plural(count, "user", "users")} online`,
  searchUsers: "Search a name or user id",
  search: "Search",
  showAll: "Show all",
  nobodyFound: "Nobody of that name or user id is logged in.",
  tooManyFound: "This finds too many users to show them all. Search for more of the name.",
  nobodyOnline: (application) => `Nobody is logged in to ${application} right now.`,
  selected: (count) => `${plural(count, "user", "users")} selected`,
  selectionFull: "The selection is full. Force these users offline first.",
  clear: "Clear",
  selectUser: (name) => `Select ${name}`,
  user: "User",
  lastLogin: "Last login",
  lastActive: "Last active",
  logins: "Logins",
  loginsOf: (count, name) => `${plural(count, "login", "logins")} of ${name}`,
  action: "Action",
  forceOffline: "Force offline",
  forceOfflineEllipsis: "Force offline…",
  forceEveryoneEllipsis: "Force everyone offline…",
  forceUserQuestion: (name) => `Force ${name} offline?`,
  forceUsersQuestion: (users) => `Force ${plural(users, "user", "users")} offline?`,
  forceLoginQuestion: (name) => `Force one login of ${name} offline?`,
  forceEveryoneQuestion: (users, application) =>
    `Force everyone offline: ${plural(users, "user", "users")} of ${application}?`,
  holdLogins: (logins) => `${plural(logins, "login ends", "logins end")}.`,
  mustLogInAgain: "They will have to log in again.",
  everyoneMustLogInAgain: "Everyone, you too, will have to log in again.",
  reason: "Reason",
  reasonHint: "They will see it.",
  typeApplicationId: (application) => `Type ${application} to confirm`,
  wrongApplicationId: "That is not the application’s id. Nobody was forced offline.",
  nobodySelected: "Nobody is selected, or they are offline already.",
  cancel: "Cancel",
  forced: (users, logins) =>
    `Forced offline successful: ${plural(users, "user", "users")}, ${plural(logins, "login", "logins")}`,
  forcing: (done, total) => `${String(done)} of ${plural(total, "user", "users")} forced offline`,
  brokeOff: "It broke off. Those who are offline stay offline; try again to go on.",
  notRefreshed: "This list could not be refreshed. Trying again…",
  pages: "Pages",
  perPage: "per page",
  show: "Show",
};

const zh: Texts = {
  language: "zh-CN",
  dates: "zh-CN",
  accountMenu: "账户菜单",
  logout: "退出登录",
  logInAgain: "重新登录",
  goOn: "继续",
  loggedOut: "您已退出登录",
  haveBeenLoggedOut: "您已被下线",
  logInFirst: "请先登录",
  logIn: "登录",
  notAllowed: "您无权访问此页面",
  adminsOnly: "此页面仅供该应用的管理员使用。",
  whereLoggedIn: "登录设备",
  devicesIntro: "以下设备已登录您的账户。请将不认识的设备退出登录。",
  thisDevice: "本设备",
  logOutDevice: "退出登录",
  logOutDeviceNamed: (device) => `将 ${device} 退出登录`,
  logOutEverywhereElse: (others) => `退出其他所有设备（${String(others)}）`,
  andMore: (count) => `另有 ${number(count)} 个`,
  devicesLoggedOut: (count) => `已退出 ${number(count)} 台设备。`,
  loggedOutByYourself: "您已从另一台设备将本设备退出登录。",
  identityNotConfirmed: "请先确认您的身份。",
  unknownDevice: "未知设备",
  browserOn: (browser, system) => `${system} 上的 ${browser}`,
  requestForbidden: "此请求已被拒绝",
  noSuchPage: "没有此页面",
  tryAgainLater: "请稍后重试",
  requestRefused: "操作未成功",
  unknownAddress: "未知地址",
  since: "登录于",
  active: "活跃于",
  now: "刚刚",
  applications: "应用",
  loginManagement: "登录管理",
  usersOnline: (count) => `${number(count)} 位用户在线`,
  searchUsers: "搜索姓名或用户 ID",
  search: "搜索",
  showAll: "显示全部",
  nobodyFound: "没有该姓名或用户 ID 的在线用户。",
  tooManyFound: "匹配的用户过多，无法全部显示。请输入更完整的姓名。",
  nobodyOnline: (application) => `目前没有用户登录 ${application}。`,
  selected: (count) => `已选择 ${number(count)} 位用户`,
  selectionFull: "选择已满，请先将这些用户强制下线。",
  clear: "清除",
  selectUser: (name) => `选择 ${name}`,
  user: "用户",
  lastLogin: "上次登录",
  lastActive: "上次活跃",
  logins: "登录数",
  loginsOf: (count, name) => `${name} 的 ${number(count)} 个登录`,
  action: "操作",
  forceOffline: "强制下线",
  forceOfflineEllipsis: "强制下线…",
  forceEveryoneEllipsis: "强制所有人下线…",
  forceUserQuestion: (name) => `强制 ${name} 下线？`,
  forceUsersQuestion: (users) => `强制 ${number(users)} 位用户下线？`,
  forceLoginQuestion: (name) => `强制 ${name} 的一个登录下线？`,
  forceEveryoneQuestion: (users, application) => `强制 ${application} 的所有 ${number(users)} 位用户下线？`,
  holdLogins: (logins) => `将结束 ${number(logins)} 个登录。`,
  mustLogInAgain: "他们需要重新登录。",
  everyoneMustLogInAgain: "包括您在内的所有人都需要重新登录。",
  reason: "原因",
  reasonHint: "用户会看到此内容。",
  typeApplicationId: (application) => `输入 ${application} 以确认`,
  wrongApplicationId: "这不是该应用的 ID。没有用户被强制下线。",
  nobodySelected: "未选择用户，或用户已离线。",
  cancel: "取消",
  forced: (users, logins) => `强制下线成功：${number(users)} 位用户，${number(logins)} 个登录`,
  forcing: (done, total) => `已强制下线 ${number(done)} / ${number(total)} 位用户`,
  brokeOff: "操作中断。已下线的用户保持下线；请重试以继续。",
  notRefreshed: "列表暂时无法刷新，正在重试…",
  pages: "分页",
  perPage: "每页",
  show: "显示",
};

export const LOCALES = { en, zh };
export type Locale = keyof typeof LOCALES;
