export { userSkillRoutes } from './routes.ts'
export { getSkill, listSkills } from './store.ts'
