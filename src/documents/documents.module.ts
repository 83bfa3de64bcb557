import { Module } from '@nestjs/common';
import { DocumentsController } from './documents.controller.js';

/** The documents of the house, as pages and as data. */
@Module({ controllers: [DocumentsController] })
export class DocumentsModule {}
