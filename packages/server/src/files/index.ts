export { checkTar } from './check-tar.ts'
export { fileRoutes } from './routes.ts'
export { getFile, storeFile } from './store.ts'
