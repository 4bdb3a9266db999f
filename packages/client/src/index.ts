export { ApiFailure, type CallInput, Client, type ClientOptions, ConnectionFailure } from './client.ts'
