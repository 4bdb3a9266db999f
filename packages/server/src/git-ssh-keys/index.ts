export { gitSshKeyOf, prepareGitSshKey } from './git-ssh-key.ts'
export { gitSshKeyRoutes } from './routes.ts'
