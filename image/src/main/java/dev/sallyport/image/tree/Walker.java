package dev.sallyport.image.tree;

import dev.sallyport.image.tree.FileTree.Kind;
import dev.sallyport.image.tree.Tree.Entry;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;

/** One walk through a tree: no deeper, and no further, than is sensible, and into no folder twice. */
final class Walker {
    /** Deeper folders are not walked into. */
    private static final int MOST_DEPTH = 256;

    private static final int MOST_UNREAD = 100;

    private final Tree tree;
    private final int most;
    private final Tree.Visitor visitor;
    private final Set<Object> seen = new HashSet<>();
    private final List<String> unread = new ArrayList<>();
    private final Deque<Iterator<Entry>> open = new ArrayDeque<>();
    private int visited;
    private boolean cut;

    Walker(Tree tree, int most, Tree.Visitor visitor) {
        this.tree = tree;
        this.most = most;
        this.visitor = visitor;
    }

    Tree.Walk walk(Entry start) throws IOException {
        open.push(List.of(start).iterator());
        while (!open.isEmpty()) {
            Iterator<Entry> entries = open.getFirst();
            if (!entries.hasNext()) {
                open.pop();
                continue;
            }
            if (visited >= most) {
                cut = true;
                break;
            }
            visited++;
            Entry entry = entries.next();
            if (visitor.visit(entry) && entry.kind() == Kind.FOLDER) {
                enter(entry);
            }
        }
        return new Tree.Walk(visited, cut, unread);
    }

    private void enter(Entry folder) {
        if (open.size() > MOST_DEPTH) {
            cut = true;
            return;
        }
        if (!seen.add(folder.identity())) {
            failed(folder, "it is there under another name already, which no folder can be");
            return;
        }
        try {
            Collection<Entry> entries = tree.children(folder).values();
            open.push(entries.iterator());
        } catch (IOException e) {
            failed(folder, String.valueOf(e.getMessage()));
        }
    }

    private void failed(Entry folder, String reason) {
        if (unread.size() < MOST_UNREAD) {
            unread.add(folder.path() + ": " + reason);
        } else {
            cut = true;
        }
    }
}
