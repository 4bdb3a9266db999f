export { Rereading } from './rereading.ts'
