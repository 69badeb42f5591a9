/** The maximum number of logins of one user in a list of users. */
export const LOGINS_PER_USER = 50;
