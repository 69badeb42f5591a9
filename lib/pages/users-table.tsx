import { AroundSlot, plainText } from "./format.js";
import { Icon } from "./icon.js";
import type { LoginManagement } from "./login-management.js";
import { Pager } from "./pager.js";
import { headingOf, isReversed, keyOf, nextSort, type SortKey } from "./sorts.js";
import { UserRow } from "./user-row.js";

/** Renders the users who are online, or why there are none. */
export function UsersTable(view: LoginManagement) {
  const { frame, forceUrl, userUrl, users, selected, opened, found } = view;
  const { texts } = frame;
  if (users.length === 0) return <p class="blank">{noneText(view)}</p>;
  return (
    <>
      <table class="users sticky">
        <caption class="hidden">{texts.usersOnlineTable}</caption>
        <colgroup>
          <col class="c-box" />
          <col />
          <col class="c-240" />
          <col class="c-150" />
          <col class="c-80" />
          <col class="c-150" />
        </colgroup>
        <Head {...view} />
        <tbody>
          {users.map((user) => (
            <UserRow
              key={user.person.id}
              user={user}
              texts={texts}
              forceUrl={forceUrl}
              userUrl={userUrl}
              isSelected={selected.includes(user.person.id)}
              isOpen={opened.includes(user.person.id)}
              isYou={user.person.id === frame.user?.person.id}
            />
          ))}
        </tbody>
      </table>
      <Pager texts={texts} page={view.page} limit={view.limit} total={found ?? view.online} />
    </>
  );
}

/** Why there are none. */
function noneText(view: LoginManagement) {
  const { frame, appId, search, found, isCut, isSearchFailed } = view;
  const { texts } = frame;
  if (search === "") return found === undefined ? texts.noUsersOnline(appId) : texts.noMatchesAtAll;
  if (isSearchFailed) return texts.searchFailed;
  return isCut ? texts.tooManyMatches : <NoMatches {...view} />;
}

function Head(view: LoginManagement) {
  const { texts } = view.frame;
  return (
    <thead>
      <tr>
        <th scope="col" class="box">
          <label class="tick">
            <input type="checkbox" autocomplete="off" data-all />
            <span class="hidden">{texts.selectPage}</span>
          </label>
        </th>
        <SortHead sortKey="name" {...view} />
        <SortHead sortKey="login" {...view} />
        <SortHead sortKey="active" {...view} />
        <SortHead sortKey="logins" {...view} />
        <th scope="col">
          <span class="hidden">{texts.action}</span>
        </th>
      </tr>
    </thead>
  );
}

function SortHead({ frame, sort, sortKey }: LoginManagement & { sortKey: SortKey }) {
  const { texts } = frame;
  const isSorted = keyOf(sort) === sortKey;
  // Names begin with A, everything else with the most recent or the most.
  const isUp = (sortKey === "name") !== isReversed(sort);
  return (
    <th scope="col" aria-sort={isSorted ? (isUp ? "ascending" : "descending") : undefined}>
      <button type="submit" class="sort" name="sort" value={nextSort(sortKey, sort)}>
        {headingOf(sortKey, texts)}
        {isSorted ? <Icon name={isUp ? "sortedUp" : "sorted"} /> : null}
      </button>
    </th>
  );
}

function NoMatches({ frame, search }: LoginManagement) {
  return (
    <AroundSlot text={frame.texts.noMatches}>
      <bdi>{plainText(search)}</bdi>
    </AroundSlot>
  );
}
