/** The most logins of a user that a list of users holds. */
export const LOGINS_PER_USER = 50;
