export { updateRoutes } from './routes.ts'
export { UpdateCheck } from './update-check.ts'
