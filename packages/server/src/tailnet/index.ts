export { tailnetRoutes } from './routes.ts'
export { TailnetService } from './tailnet-service.ts'
