export { userSkillRoutes } from './routes.ts'
export { listSkillTexts, type UserSkillRow } from './store.ts'
