/** What the kernel and the dynamic linker read of programs and libraries (System V ABI; elf(5); ld.so(8)). */
package dev.sallyport.image.verify.elf;
