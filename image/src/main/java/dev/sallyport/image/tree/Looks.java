package dev.sallyport.image.tree;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Says what bytes look like that are not taken, for people. */
final class Looks {
    private static final int TEXT = 512;

    private Looks() {}

    /** A place, what stands there, and what it is a sign of. */
    private record Sign(long at, String bytes, String what) {}

    private static final Sign[] SIGNS = {
        new Sign(0, "hsqs", "a squashfs file system"),
        new Sign(0, "\177ELF", "a program (ELF)"),
        new Sign(0, "XFSB", "an xfs file system"),
        new Sign(0x10040, "_BHRfS_M", "a btrfs file system"),
        new Sign(1024, "\020\040\365\362", "an f2fs file system"),
        new Sign(0, "LUKS\272\276", "an encrypted disk (LUKS)"),
        new Sign(512, "LABELONE", "a volume of LVM"),
        new Sign(4086, "SWAPSPACE2", "swap space"),
        new Sign(0x8001, "CD001", "a CD image (ISO 9660)"),
        new Sign(0, "KDMV", "a disk of VMware (VMDK)"),
        new Sign(0, "# Disk DescriptorFile", "a disk of VMware (VMDK)"),
        new Sign(0, "vhdxfile", "a disk of Hyper-V (VHDX)"),
        new Sign(0, "conectix", "a disk of Virtual PC (VHD)"),
        new Sign(0x40, "\177\020\332\276", "a disk of VirtualBox (VDI)"),
        new Sign(82, "FAT32   ", "a FAT file system"),
        new Sign(54, "FAT", "a FAT file system"),
        new Sign(3, "NTFS    ", "an NTFS file system"),
        new Sign(0, "PK\3\4", "a zip archive"),
        new Sign(0, "!<arch>\n", "an ar archive, such as a Debian package"),
        new Sign(0, "07070", "a cpio archive, such as an initramfs"),
        new Sign(0x202, "HdrS", "a Linux kernel"),
        new Sign(0, "7z\274\257\047\034", "a 7-Zip archive"),
        new Sign(0, "\037\235", "data of compress(1)"),
        new Sign(0, "LZIP", "data of lzip"),
        new Sign(0, "MZ", "a program for Windows or UEFI"),
    };

    /** What it looks like, with its article. */
    static String of(ByteSource source) throws IOException {
        if (source.size() == 0) {
            return "an empty file";
        }
        for (Sign sign : SIGNS) {
            byte[] bytes = sign.bytes().getBytes(StandardCharsets.ISO_8859_1);
            if (sign.at() + bytes.length <= source.size()
                    && java.util.Arrays.equals(source.read(sign.at(), bytes.length), bytes)) {
                return sign.what();
            }
        }
        byte[] first = source.read(0, (int) Math.min(TEXT, source.size()));
        boolean text = true;
        boolean zeros = true;
        for (byte value : first) {
            text &= value < 0 || value >= ' ' || value == '\n' || value == '\r' || value == '\t';
            zeros &= value == 0;
        }
        return zeros ? "a file that begins with zeros only" : text ? "a text file" : "data of no known form";
    }
}
